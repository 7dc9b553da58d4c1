#!/usr/bin/env python3
"""How much of the chip the adapter's program takes, against the last size that somebody agreed to.

usage: size_test.py ELF SIZE_FILE

SIZE_FILE has a line "flash BYTES" and a line "ram BYTES". More than 5 % above either fails: then look for the reason, and write the new size down.
"""
import re
import subprocess
import sys

LIMITS = {"flash": 32 * 1024, "ram": 64 * 1024}


def main(elf, agreed_file):
    printed = subprocess.run(["arm-none-eabi-size", elf], check=True, capture_output=True, text=True).stdout
    text, data, bss = (int(word) for word in printed.splitlines()[1].split()[:3])
    sizes = {"flash": text + data, "ram": data + bss}
    agreed = {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", open(agreed_file).read(), re.M)}
    failed = False
    for name, size in sizes.items():
        print(f"{name}: {size} bytes, {size / agreed[name] - 1:+.1%} of the agreed {agreed[name]}, limit {LIMITS[name]}")
        failed |= size > agreed[name] * 1.05 or size > LIMITS[name]
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
