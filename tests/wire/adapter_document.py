"""docs/adapter-registers.md as values: what a tool that was written from the document would know."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/adapter-registers.md").read_text(encoding="utf-8")


def number(text):
    return int(text.replace(",", ""), 0)


def rows(heading):
    """The first table below a heading that ends so; a cell in backticks without them."""
    section = re.search(rf"^##+ (?:[^\n]* )?{re.escape(heading)}\n(.*?)(?=^##|\Z)", TEXT, re.M | re.S)[1]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    table = [[cell.strip().removeprefix("`").removesuffix("`") for cell in line.strip("|").split("|")] for line in lines]
    return table[2:]


def fields(block):
    """{name: (address on the wire, registers)}"""
    return {name: (number(wire), number(registers)) for name, wire, _, registers, *_ in rows(f"`{block}`")}


def words(name):
    """{name: value} of what a number means."""
    return {word: number(value) for word, value, *_ in rows(f"`{name}`")}


def code(language):
    """The blocks of code in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


def hexadecimal(index):
    return bytes.fromhex(code("text")[index])


BLOCKS = {name: (number(wire), number(registers)) for name, wire, _, registers, *_ in rows("Blocks")}
CONSTANTS = {name: number(value) for name, value in rows("Constants")}
EXAMPLE_SLOT, EXAMPLE_REQUEST = hexadecimal(0), hexadecimal(1)
COMMANDS = re.findall(r"^mbpoll .*", code("sh")[0], re.M)

# {name: (first byte, bytes)} of a slot's header
SLOT = {name: (number(at), number(length)) for at, length, name, _ in rows("A slot") if name not in ("payload", "sum")}
