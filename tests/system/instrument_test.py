#!/usr/bin/env python3
"""Instruments as they are: files that are not what they seem, ports that come later, records that the centre cannot understand."""

import hashlib
import json
import sqlite3
import subprocess
import time
import unittest

import exports
from system_case import BIN, FOLDER, judged, SystemCase, wait_until

READER = """
[[instrument]]
id = "reader-1"
driver = "spectramax"
port = "{port}"
poll_ms = 100
"""


class InstrumentTest(SystemCase):
    def begin(self, instruments):
        self.broker = self.world.broker()
        self.central = self.world.central()
        self.gateway = self.world.gateway(instruments)
        for process in (self.broker, self.central, self.gateway):
            process.start()

    def card(self, name):
        return next(card for card in self.world.status()["instruments"] if card["id"] == name)

    def file(self, name):
        return next((file for file in self.world.status().get("files", []) if file["name"] == name), None)

    def taken(self, content):
        return len(judged(self.world.database).runs_of_original("exports", hashlib.sha256(content).hexdigest()))

    def test_unknown_empty_and_half_written_files_are_named_and_the_others_go_on(self):
        """field 62: never taken before they are whole, remembered by content"""
        drop = self.world.path("drop")
        drop.mkdir()
        whole, half = exports.gen5(1, "PLATE-1"), exports.fcs(2)
        self.begin(FOLDER.format(path=drop))
        (drop / "letter.docx").write_bytes(b"PK\x03\x04 not an export")
        (drop / "empty.fcs").touch()
        (drop / "half.fcs").write_bytes(half[:len(half) // 2])
        (drop / "whole.txt").write_bytes(whole)
        wait_until(lambda: self.taken(whole) == 1, 15, "the whole file to be at the centre")
        for name, states in (("letter.docx", {"refused"}), ("empty.fcs", {"waiting", "incomplete", "refused"}), ("half.fcs", {"waiting", "incomplete"})):
            found = wait_until(lambda name=name, states=states: (notice := self.file(name)) and notice["state"] in states and notice, 10, f"{name} to be named")
            self.assertTrue(found["reason"], f"{name}: no reason given")
        time.sleep(2)
        self.assertEqual({"exports"}, {instrument for instrument, *_ in judged(self.world.database).manifests})
        self.assertEqual(1, len(judged(self.world.database).manifests), "something that is not whole was taken")
        with open(drop / "half.fcs", "ab") as file:
            file.write(half[len(half) // 2:])
        (drop / "copy.txt").write_bytes(whole)
        wait_until(lambda: self.taken(half) == 1, 15, "the completed file to be at the centre")
        wait_until(lambda: not (notice := self.file("half.fcs")) or notice["state"] == "taken", 10, "the completed file to be shown as such")
        time.sleep(1)
        self.assertEqual(1, self.taken(whole), "the same bytes under another name were counted again")
        self.world.wait_empty(20)
        self.world.verify()

    def test_slow_writer_on_a_folder_is_waited_for(self):
        """field 62: a writer that pauses between blocks; size and time must stand still"""
        drop = self.world.path("drop")
        drop.mkdir()
        content = exports.gen5(3, "PLATE-3")
        self.begin(FOLDER.format(path=drop).replace("settle_s = 0.3", "settle_s = 1.5"))
        with open(drop / "slow.txt", "wb") as file:
            for at in range(0, len(content), 512):
                file.write(content[at:at + 512])
                file.flush()
                time.sleep(0.5)
                self.assertEqual([], judged(self.world.database).manifests)
        wait_until(lambda: self.taken(content) == 1, 15, "the slowly written file to be at the centre")

    def test_port_that_appears_later_is_waited_for_and_nobody_else_waits(self):
        """field 38: a port that cannot be opened yet; field 35: pulled and put back; field 37: open and mute is a state; field 51: no value before contact"""
        port = self.world.path("reader-port")
        instrument = self.counter()
        self.begin(READER.format(port=port) + instrument.config())
        self.wait_acknowledged(instrument, 50)
        card = self.card("reader-1")
        self.assertEqual("waiting_for_port", card["state"])
        self.assertIn(str(port), card["detail"])
        self.assertNotIn("last_heard_age_s", card)
        log = self.world.path("reader.jsonl")
        reader = self.world.add("reader", [BIN / "marrowlink-gateway", "simulate", "spectramax", "--link", port, "--read-seconds", 1, "--log", log],
                                port.is_symlink)
        for n in range(2):
            reader.start()
            wait_until(lambda: self.card("reader-1")["state"] == "idle", 20, f"the reader to be reached (it is {self.card('reader-1')})")
            self.world.start_run("reader-1", f"PLATE-{n}")
            wait_until(lambda n=n: log.read_text().count('"cleared"') == n + 1, 30, "the plate to be measured and cleared")
            reader.kill()
            port.unlink(missing_ok=True)
            wait_until(lambda: self.card("reader-1")["state"] in ("waiting_for_port", "failed"), 20, "the pulled cable to be seen")
            self.wait_acknowledged(instrument, 20)
        self.assert_balanced(instrument)
        judge = judged(self.world.database)
        judge.compare([log])
        self.assertEqual([], judge.faults)

    def test_silent_instrument_is_a_state_and_its_value_ages(self):
        """field 37, field 50: opened, mute, and longer than its due time without a word"""
        instrument = self.counter()
        self.begin(instrument.config().replace('driver = "line"', 'driver = "line"\nsilent_after_s = 1'))
        self.wait_acknowledged(instrument, 20)
        instrument.rest()
        wait_until(lambda: self.card("counter").get("stale"), 10, "the silent instrument to be stale")
        self.assertGreaterEqual(self.card("counter")["last_heard_age_s"], 1)
        instrument.quiet.clear()
        self.wait_acknowledged(instrument, 20)
        wait_until(lambda: not self.card("counter").get("stale"), 10, "the speaking instrument to be fresh")
        self.assert_balanced(instrument)

    def test_record_that_the_centre_refuses_is_listed_and_later_ones_flow(self):
        """field 5: broken JSON under a chain that holds is stored, acknowledged and shown as refused; field 3: what lies behind it drains"""
        self.broker = self.world.broker()
        self.central = self.world.central()
        self.broker.start()
        self.central.start()
        stream = "6f0b7c1e-1111-4222-8333-444455556666"
        chain = hashlib.sha256(stream.encode()).digest()
        for seq, (kind, data) in enumerate((("stream.opened", b'{"previous":"","reason":"first start"}'), ("telemetry", b'{"instrument":"x", broken'),
                                            ("telemetry", b'{"instrument":"counter","messages":3}')), 1):
            instrument = "gateway" if kind == "stream.opened" else "counter"
            own = {"specversion": "1.0", "id": f"{stream}/{seq}", "source": f"/lyon/gw9/{instrument}", "type": f"org.marrowlink.{kind}",
                   "time": "2026-11-25T02:30:00.123Z", "sequence": f"{seq:020}", "stream": stream,
                   "bootid": "11111111-2222-4333-8444-555555555555", "uptimems": str(seq), "clocksync": "true", "datacontenttype": "application/json"}
            encoded = b"".join(len(part).to_bytes(4, "big") + part for name in sorted(own) for part in (name.encode(), own[name].encode()))
            chain = hashlib.sha256(chain + encoded + hashlib.sha256(data).digest()).digest()
            properties = [part for name in sorted(own) if name != "datacontenttype" for part in ("-D", "publish", "user-property", name, own[name])]
            subprocess.run(["mosquitto_pub", "-V", "5", "-p", str(self.world.broker_port), "-q", "1", "-t", f"marrowlink/1/lyon/gw9/{instrument}/{kind}",
                            *properties, "-D", "publish", "user-property", "chain", chain.hex(), "-D", "publish", "content-type", "application/json",
                            "-m", data.decode()], check=True)
        wait_until(lambda: self.through_of(stream) == 3, 10, "all three to be taken")
        told = subprocess.run(["mosquitto_sub", "-V", "5", "-p", str(self.world.broker_port), "-t", f"marrowlink/1/ack/lyon/gw9/{stream}", "-C", "1", "-W", "10"],
                              capture_output=True, text=True)
        self.assertEqual({"through": 3, "chain": chain.hex()}, json.loads(told.stdout))
        listing = self.world.runs()
        self.assertEqual(1, listing["refused"])
        self.assertIn({"site": "lyon", "gateway": "gw9", "stream": stream, "through": 3}, listing["streams"])
        self.assertIn("refused", self.central.tail(1000))
        self.assertEqual({"stream.opened": 1, "telemetry": 2}, dict(judged(self.world.database).records))

    def through_of(self, stream):
        with sqlite3.connect(f"file:{self.world.database}?mode=ro", uri=True) as database:
            row = database.execute("SELECT through FROM stream WHERE stream = ?", (stream,)).fetchone()
        return row[0] if row else None


if __name__ == "__main__":
    unittest.main(verbosity=2)
