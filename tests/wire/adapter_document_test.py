#!/usr/bin/env python3
"""Holds docs/adapter-registers.md to wire/adapter_map.hpp, wire/adapter_map.cpp and wire/adapter_slot.hpp: each name, address, width and value on both sides."""

import re
import struct
import unittest
import zlib

import adapter_document as document
from adapter_document import ROOT


def source(path):
    return re.sub(r"[ \t]*//.*", "", (ROOT / path).read_text(encoding="utf-8"))


MAP, CHECKS, SLOT = source("wire/adapter_map.hpp"), source("wire/adapter_map.cpp"), source("wire/adapter_slot.hpp")


def constants(text):
    """{name: value} of every `inline constexpr` number."""
    out = {}
    for declarators in re.findall(r"inline constexpr std::\w+ ([^;]+);", text):
        for name, expression in re.findall(r"(\w+) = ([^,]+)", declarators):
            expression = re.sub(r"\b[a-z]\w+", lambda word: str(out[word[0]]), expression.replace("'", ""))
            out[name] = eval(expression)
    return out


def enums(text):
    return {name: {word: int(value) for word, value in re.findall(r"(\w+) = (\d+)", body)} for name, body in re.findall(r"enum class (\w+)[^{]*\{(.*?)\};", text, re.S)}


def namespaces():
    return {name: constants(body) for name, body in re.findall(r"^namespace (\w+) \{\n(.*?)^\}", MAP, re.M | re.S)}


def widths(places, end):
    """{name: (address, registers)}: a field reaches to the next."""
    names = sorted(places, key=places.get)
    return {name: (places[name], following - places[name]) for name, following in zip(names, [places[name] for name in names[1:]] + [end])}


BLOCKS, ENUMS = namespaces(), enums(MAP) | enums(SLOT)
SETTINGS = ENUMS.pop("Setting")
GLOBALS = constants(re.sub(r"^namespace \w+ \{\n.*?^\}", "", MAP, flags=re.M | re.S)) | constants(SLOT)


def registers(block):
    values = BLOCKS[block]
    return values.get("count", values.get("data", 0) + values.get("data_bytes_max", 0) // 2)


def listed(numbers):
    return ", ".join(f"{number:,}" for number in numbers)


class AdapterDocumentTest(unittest.TestCase):
    def test_blocks(self):
        self.assertEqual(document.BLOCKS, {name: (values["base"], registers(name)) for name, values in BLOCKS.items()})

    def test_fields_with_address_and_width(self):
        for block, values in BLOCKS.items():
            base = values["base"]
            places = {name: base + place for name, place in values.items() if name not in ("base", "count") and not re.search(r"_(registers|max)$", name)}
            if block != "settings":
                with self.subTest(block=block):
                    self.assertEqual(document.fields(block), widths(places, base + registers(block)))

    def test_both_addresses_of_every_row(self):
        for block in BLOCKS:
            for row in document.rows(f"`{block}`"):
                self.assertEqual(document.number(row[2]), document.number(row[1]) + 40001, f"{block}: {row[0]}")
        for name, wire, manual, *_ in document.rows("Blocks"):
            self.assertEqual(document.number(manual), document.number(wire) + 40001, name)

    def test_settings_with_their_ranges_and_what_they_are_at_first(self):
        base = BLOCKS["settings"]["base"]
        places = {name: base + place for name, place in SETTINGS.items() if name != "last"}
        self.assertEqual(document.fields("settings"), widths(places, base + SETTINGS["last"] + 1))
        ranges = {name: f"{int(least):,}…{int(most.replace(chr(39), '')):,}" for name, least, most in re.findall(r"\{Setting::(\w+), (\d+), ([\d']+)\}", CHECKS)}
        ranges |= dict.fromkeys(re.findall(r"Setting::(\w+)", re.search(r"for \(Setting const baud : (.*?)\)", CHECKS)[1]), "bauds") | {"terminator": "any"}
        defaults = dict(re.findall(r"^    [\w:<>, ]+ (\w+)(?: = (.+)|\{.*\});", re.search(r"struct Settings \{(.*?)\n\};", MAP, re.S)[1], re.M))
        for name, _, _, _, values, at_first, refused_as, _ in document.rows("`settings`"):
            with self.subTest(setting=name):
                self.assertEqual(values, ranges.pop(name))
                self.assertEqual(int(refused_as), SETTINGS[name] + 1)
                self.assertEqual(at_first, self.registers_of(name, defaults.pop(name)))
        self.assertEqual((ranges, defaults), ({}, {}))
        bauds = re.search(r"bauds\[\] = \{(.*?)\}", CHECKS)[1].replace("'", "").split(", ")
        self.assertIn(f"`bauds`: {listed(map(int, bauds))}.", document.TEXT)
        self.assertIn(f"refused as {BLOCKS['settings']['count']}.", document.TEXT)

    def registers_of(self, name, default):
        if name == "terminator":
            first, *rest = re.search(r"terminator\{'\\n', (.*?)\}", MAP)[1].split(", ")
            return f"{ord(chr(10)) << 8 | int(first)}, {int(rest[0]) << 8 | int(rest[1])}"
        if "::" in default:
            enum, word = default.split("::")
            return str(ENUMS[enum][word])
        if default in ("false", "true"):
            return str(int(default == "true"))
        value = int(default.replace("'", ""))
        return f"{value // 100 if 'baud' in name else value:,}"

    def test_what_numbers_mean(self):
        for name, values in ENUMS.items():
            with self.subTest(enum=name):
                self.assertEqual(document.words(name), values)

    def test_constants(self):
        wanted = dict(GLOBALS)
        for block, values in BLOCKS.items():
            wanted |= {f"{block}::{name}": value for name, value in values.items() if name.endswith("_max") and name.startswith(("data", "name"))}
        self.assertEqual(document.CONSTANTS, wanted)

    def test_slot_layout(self):
        layout = {name.removeprefix("slot."): (int(at), int(bits) // 8) for bits, at, name in re.findall(r"store_u(\d+)\(out, (\d+), (?:slot_)?([\w.]+)\)", SLOT)}
        layout |= {name: (int(at), 1) for at, name in re.findall(r"out\[(\d+)\] = static_cast<std::uint8_t>\(slot\.(\w+)\)", SLOT)}
        self.assertEqual(document.SLOT, layout)
        header, payload_and_sum = GLOBALS["slot_header_bytes"], document.rows("A slot")[-2:]
        self.assertEqual(sum(length for _, length in layout.values()), header)
        self.assertEqual([row[:3] for row in payload_and_sum],
                         [[str(header), "payload_bytes", "payload"], [f"{header} + `payload_bytes", str(GLOBALS["slot_sum_bytes"]), "sum"]])

    def test_the_example_slot(self):
        """Written by the adapter's own code in adapter_slot_test.cpp; here, as a tool would read it with the document at hand."""
        slot = document.EXAMPLE_SLOT
        read = {name: int.from_bytes(slot[at:at + length], "big") for name, (at, length) in document.SLOT.items()}
        self.assertEqual(read, {"mark": 0x534C, "payload_bytes": 8, "sequence": 4, "offset": 30, "boot": 3, "arrived_ms": 61_500, "lasted_ms": 8,
                                "kind": document.words("SlotKind")["data"], "end": document.words("SlotEnd")["terminator"]})
        self.assertEqual(slot[28:-4], b"12.01 g\n")
        self.assertEqual(slot[-4:], struct.pack(">I", zlib.crc32(slot[:-4])))

    def test_the_reserved_header_of_an_image(self):
        startup, linker = source("firmware/boards/stm32f405/startup.cpp"), source("firmware/boards/stm32f405/link.ld")
        self.assertIn(re.search(r"\.image_header (0x\w+)", linker)[1], document.TEXT)
        mark, layout = re.search(r"constexpr ImageHeader image_header\{\s*(0x\w+), (\d+)", startup).groups()
        self.assertIn(f"mark {mark} (4 bytes), layout {layout} (4)", document.TEXT)


if __name__ == "__main__":
    unittest.main()
