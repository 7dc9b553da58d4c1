#!/usr/bin/env python3
"""Holds docs/limits.md to the code: each limit in a header has a row there with its value and what happens at it, and each row its limit."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/limits.md"
LAYERS = ("core", "io", "drivers", "gateway", "central")
MILLISECONDS = {"milliseconds": 1, "seconds": 1_000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}

# A limit is a number that is named so, a span of time, or a member of a struct of limits.
CONSTANT = re.compile(r"\bconstexpr\s+([\w:]+)\s+(\w+\s*(?:=[^;]+|\{[^;]+\}));")
LIMITS = re.compile(r"struct \w+Limits \{(.*?)\n\};", re.S)
MEMBER = re.compile(r"^\s+([\w:]+)\s+(\w+\s*(?:=[^;]+|\{[^;]+\}));", re.M)
DECLARATOR = re.compile(r"(\w+)\s*(?:=\s*([^,]+)|\{([^{}]+)\})", re.S)
NAMED_SO = re.compile(r"_(max|min|last|timeout_ms)$")


def number(expression, known):
    """What C++ makes of `64 * 1024`, `4ull << 30`, `std::size_t{1} << 19` or another constant; None when it is no number."""
    text = re.sub(r"std::(?:chrono::)?\w+\{(.*?)\}", r"(\1)", expression.strip()).replace("'", "")
    text = re.sub(r"\b(\d+)(?:ull|ll|u|l)\b", r"\1", text, flags=re.I)
    text = re.sub(r"\b[a-z]\w*\b", lambda name: str(known.get(name[0], name[0])), text)
    return eval(text) if re.fullmatch(r"[\d\s()+*/<.-]+", text) else None


def text_of(name, kind, value):
    """The value as the document writes it."""
    span = MILLISECONDS.get(kind.removeprefix("std::chrono::")) or (1 if name.endswith("_ms") else None)
    units = ()
    if span:
        units = (("days", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000), ("ms", 1))
    elif "bytes" in name:
        units = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1))
    value *= span or 1
    for unit, size in units:
        if value % size == 0 and value >= size:
            return f"{value // size:,} {unit}"
    return f"{value:,}"


def limits_of(text):
    """{name: value as the document writes it} of one header."""
    out, known = {}, {}
    text = re.sub(r"\s*//.*", "", text)
    for kind, declarators in CONSTANT.findall(text):
        for name, after_equals, in_braces in DECLARATOR.findall(declarators):
            value = number(after_equals or in_braces, known)
            if value is None:
                continue
            known[name] = value
            if NAMED_SO.search(name) or "chrono" in kind:
                out[name] = text_of(name, kind, value)
    for members in LIMITS.findall(text):
        for kind, declarator in MEMBER.findall("\n" + members):
            name, after_equals, in_braces = DECLARATOR.fullmatch(declarator).groups()
            value = number(after_equals or in_braces, known)
            if value is not None:
                out[name] = text_of("bytes" if "bytes" in name else name, kind, value)
    return out


def limits_in_code():
    """{(header, name): value}"""
    return {
        (str(path.relative_to(ROOT)), name): value
        for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.hpp"))
        for name, value in limits_of(path.read_text(encoding="utf-8")).items()
    }


def rows_in_document():
    """{(header, name): (value, what happens)}"""
    out = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"\| ([^|]+) \| ([^|]+) \| ([^|]*) \| `([\w/.]+)` `(\w+)` \|", line):
            out[match[4], match[5]] = (match[2].strip(), match[3].strip())
    return out


class LimitsTest(unittest.TestCase):
    def test_each_limit_of_a_header_has_its_row_with_its_value_and_what_happens_at_it(self):
        """field 28"""
        code, rows = limits_in_code(), rows_in_document()
        for (header, name), value in code.items():
            with self.subTest(header=header, name=name):
                self.assertTrue((header, name) in rows, f"docs/limits.md lacks: | … | {value} | … | `{header}` `{name}` |")
                self.assertEqual(rows[header, name][0], value)
                self.assertGreater(len(rows[header, name][1]), 5, "what happens at it is not said")
        for header, name in sorted(rows.keys() - code.keys()):
            self.fail(f"docs/limits.md has a row for `{header}` `{name}`, and the code has no such limit")

    def test_limits_are_found_as_the_code_writes_them(self):
        found = limits_of("""
            inline constexpr std::size_t block_bytes_max = 64 * 1024;  // of one record
            inline constexpr std::uint64_t text_bytes_max = std::uint64_t{16} << 20;
            constexpr std::uint32_t rows_max = 32, columns_max = 48;
            inline constexpr int seq_bits = 40;
            inline constexpr std::uint64_t seq_max =
                (std::uint64_t{1} << seq_bits) - 1;
            inline constexpr std::chrono::milliseconds pause{30'000}, longest_pause{60'000};
            static constexpr int busy_timeout_ms = 5'000;
            static constexpr std::string_view name = "line";
struct SomeLimits {
    std::size_t connections = 64;  // per listener
    std::int64_t retention_ms = 30ll * 24 * 3600 * 1000;
    std::chrono::milliseconds idle_time{
        60'000};
};
""")
        self.assertEqual(found, {
            "block_bytes_max": "64 KiB", "text_bytes_max": "16 MiB", "rows_max": "32", "columns_max": "48", "seq_max": "1,099,511,627,775",
            "pause": "30 s", "longest_pause": "1 min", "busy_timeout_ms": "5 s", "connections": "64", "retention_ms": "30 days", "idle_time": "1 min",
        })


if __name__ == "__main__":
    unittest.main()
