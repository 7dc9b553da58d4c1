#!/usr/bin/env python3
"""The test vector of docs/wire-contract.md, computed from the contract's prose and from nothing of the product's code.

Without arguments: compares and exits 1 when the document differs. With --write: writes it into the document.
"""
import hashlib
import pathlib
import struct
import sys

STREAM = "00000000-0000-4000-8000-000000000001"


def encode(attributes):
    out = b""
    for name, value in sorted((n.encode(), v.encode()) for n, v in attributes.items()):
        out += struct.pack(">I", len(name)) + name + struct.pack(">I", len(value)) + value
    return out


def common(seq, instrument, kind):
    return {
        "specversion": "1.0", "id": f"{STREAM}/{seq}", "source": f"/lyon/gw1/{instrument}", "type": f"org.marrowlink.{kind}",
        "time": "2026-11-25T02:30:00.000Z", "datacontenttype": "application/json", "sequence": f"{seq:020}", "stream": STREAM,
        "bootid": "boot-1", "uptimems": str(1000 * seq), "clocksync": "true",
    }


def vector():
    text = hashlib.sha256(b"0.1234").hexdigest()
    run = hashlib.sha256(b"".join(part.encode() + b"\0" for part in ("line-1", "k1", text))).hexdigest()
    run = "-".join((run[:8], run[8:12], run[12:16], run[16:20], run[20:32]))
    records = [
        (common(1, "gateway", "stream.opened"), '{"previous":"","reason":"first start"}'),
        (common(2, "line-1", "run.readings") | {"subject": run, "sourcekey": "k1"}, f'{{"run":"{run}","block":0,"message":"0.1234"}}'),
    ]
    chain = hashlib.sha256(STREAM.encode()).digest()
    out = f"stream     {STREAM}\nchain(0)   {chain.hex()}\n"
    for seq, (attributes, data) in enumerate(records, 1):
        out += f"\nseq        {seq}\n"
        for name, value in sorted(attributes.items()):
            out += f"  {name:<15} {value}\n"
        encoded = encode(attributes)
        of_data = hashlib.sha256(data.encode())
        chain = hashlib.sha256(chain + encoded + of_data.digest()).digest()
        out += f"data       {data}\nattributes {len(encoded)} bytes, SHA-256 {hashlib.sha256(encoded).hexdigest()}\n"
        out += f"SHA-256 of data {of_data.hexdigest()}\nchain({seq})   {chain.hex()}\n"
    return out


document = pathlib.Path(__file__).resolve().parents[2] / "docs" / "wire-contract.md"
before, opening, rest = document.read_text().partition("```text test vector\n")
shown, closing, after = rest.partition("```")
if "--write" in sys.argv:
    document.write_text(before + opening + vector() + closing + after)
elif shown != vector():
    sys.exit(f"{document} does not show the vector that its own prose gives:\n{vector()}")
