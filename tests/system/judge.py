#!/usr/bin/env python3
"""The judge: compares what the instruments know was acknowledged to them with the bytes that central stored.

It shares no code with the product: it reads the database with its own eyes and recomputes the chain with its own arithmetic.

usage: judge.py CENTRAL.db LOG…      exit 0 when all is there, once and unchanged; 1 when not

A log is JSON lines, written by an instrument (or its simulator) after it was acknowledged:
  {"line": INSTRUMENT, "key": KEY, "text": LINE}              an acknowledged line
  {"file": INSTRUMENT, "sha256": HEX, "path": PATH}           a dropped export file (path: the original, still there)
  {"event": "cleared", "instrument": INSTRUMENT, "sha256": HEX}   a plate that the reader was told to forget
"""

import collections
import hashlib
import json
import pathlib
import sqlite3
import sys

SEQ_BITS = 40
TYPES = {"run.started", "run.readings", "run.file", "run.finished", "run.labelled", "run.aborted", "instrument.state", "telemetry", "audit",
         "stream.opened", "stream.closed"}


def attributes(encoded):
    out, at = {}, 0

    def take():
        nonlocal at
        size = int.from_bytes(encoded[at:at + 4], "big")
        at += 4 + size
        return encoded[at - size:at].decode()

    while at < len(encoded):
        name = take()
        if name in out:
            raise ValueError(f"attribute {name} twice")
        out[name] = take()
    return out


class Judge:
    program = pathlib.Path(__file__).resolve()

    def __init__(self, database):
        self.faults = []
        self.records = collections.Counter()
        self.messages = collections.defaultdict(list)   # (instrument, key) → texts
        self.manifests = []                              # (instrument, key, run, manifest)
        self.chunks = collections.defaultdict(dict)      # (run, file sha) → offset → bytes
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            self.read(connection)
            self.counted_by_key = collections.Counter()
            for instrument, key, count in connection.execute(
                    "SELECT instrument, sourcekey, count(*) FROM run JOIN source ON source.id = run.source WHERE revision = 0 GROUP BY 1, 2"):
                self.counted_by_key[instrument, key] = count
            self.revisions = connection.execute("SELECT count(*) FROM run WHERE revision > 0").fetchone()[0]

    def fault(self, text):
        self.faults.append(text)

    def read(self, connection):
        streams = connection.execute("SELECT id, site, gateway, stream, through FROM stream").fetchall()
        lost = collections.defaultdict(list)
        for stream, first, last in connection.execute("SELECT stream, first, last FROM lost"):
            lost[stream].append((first, last))
        for number, site, gateway, stream, through in streams:
            chain, expected, stored = hashlib.sha256(stream.encode()).digest(), 1, 0
            for row, encoded, data, own in connection.execute(
                    "SELECT id, attributes, data, chain FROM record WHERE id BETWEEN ? AND ? ORDER BY id",
                    (number << SEQ_BITS, (number << SEQ_BITS) | ((1 << SEQ_BITS) - 1))):
                seq = row & ((1 << SEQ_BITS) - 1)
                if seq != expected:
                    if not any(first <= expected and seq - 1 <= last for first, last in lost[stream]):
                        self.fault(f"{stream}: seq {expected} to {seq - 1} missing and not named as lost")
                    chain = None  # the proof starts again behind what was lost
                own_attributes = attributes(encoded)
                if chain is not None and hashlib.sha256(chain + encoded + hashlib.sha256(data).digest()).digest() != own:
                    self.fault(f"{stream}/{seq}: the chain does not fit the bytes")
                if own_attributes["id"] != f"{stream}/{seq}" or own_attributes["sequence"] != f"{seq:020}":
                    self.fault(f"{stream}/{seq}: says it is {own_attributes['id']}")
                chain, expected, stored = own, seq + 1, stored + 1
                self.take(own_attributes, data)
            print(f"judge: stream {stream} of {site}/{gateway}: {stored} records through {through}")

    def take(self, own, data):
        kind = own["type"].removeprefix("org.marrowlink.")
        self.records[kind] += 1
        instrument = own["source"].rsplit("/", 1)[1]
        if kind == "run.readings":
            message = json.loads(data).get("message")
            if message is not None:
                self.messages[instrument, own["sourcekey"]].append(message)
        elif kind == "run.file":
            self.chunks[own["subject"], own["filesha256"]][int(own["fileoffset"])] = data
        elif kind == "run.finished":
            self.manifests.append((instrument, own["sourcekey"], own["subject"], json.loads(data)))

    def runs_of_original(self, instrument, sha256):
        return {run: manifest for source, _, run, manifest in self.manifests
                if source == instrument and any(file["original_sha256"] == sha256 for file in manifest["files"])}

    def line(self, entry):
        texts = set(self.messages.get((entry["line"], entry["key"]), []))
        if texts != {entry["text"]}:
            self.fault(f"line {entry['line']} {entry['key']}: acknowledged once, central holds {len(texts)} different texts")
        self.count_once(entry["line"], entry["key"])

    def count_once(self, instrument, key):
        times = self.counted_by_key[instrument, key]
        if times != 1:
            self.fault(f"{instrument} {key}: counted {times} times")

    def file(self, entry):
        runs = self.runs_of_original(entry["file"], entry["sha256"])
        if len(runs) != 1:
            return self.fault(f"file {entry['path']}: {len(runs)} runs at the centre")
        run, manifest = next(iter(runs.items()))
        original = pathlib.Path(entry["path"]).read_bytes()
        for told in manifest["files"]:
            parts = self.chunks[run, told["sha256"]]
            arrived = b"".join(parts[offset] for offset in sorted(parts))
            if hashlib.sha256(arrived).hexdigest() != told["sha256"] or len(arrived) != len(original):
                self.fault(f"file {entry['path']}: its bytes at the centre are not those that were sent")
            blanked = sum(1 for ours, theirs in zip(original, arrived) if ours != theirs and theirs == 0x20)
            changed = sum(1 for ours, theirs in zip(original, arrived) if ours != theirs and theirs != 0x20)
            if changed or blanked > told["blanked"]:
                self.fault(f"file {entry['path']}: {changed} bytes altered, {blanked} blanked where {told['blanked']} were announced")

    def cleared(self, entry):
        runs = self.runs_of_original(entry["instrument"], entry["sha256"])
        if len(runs) != 1:
            self.fault(f"plate {entry['sha256'][:12]} of {entry['instrument']}: cleared on the reader, {len(runs)} runs at the centre")

    def compare(self, logs):
        seen = collections.Counter()
        for log in logs:
            for number, text in enumerate(pathlib.Path(log).read_text().splitlines(), 1):
                entry = json.loads(text)
                if "line" in entry:
                    seen["lines"] += 1
                    self.line(entry)
                elif "file" in entry:
                    seen["files"] += 1
                    self.file(entry)
                elif entry.get("event") == "cleared":
                    seen["plates"] += 1
                    self.cleared(entry)
        return seen


def main(arguments):
    judge = Judge(arguments[0])
    seen = judge.compare(arguments[1:])
    if judge.revisions:
        judge.fault(f"{judge.revisions} revisions, although nothing was measured twice")
    print("judge: central holds " + ", ".join(f"{count} {kind}" for kind, count in sorted(judge.records.items())))
    print("judge: compared " + ", ".join(f"{count} {kind}" for kind, count in sorted(seen.items())))
    for fault in judge.faults[:20]:
        print("judge: " + fault)
    print(f"judge: {len(judge.faults)} faults")
    return 1 if judge.faults or not seen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
