#!/usr/bin/env python3
"""The outbox and the centre's database under what happens to disks: full, read-only, damaged, locked, altered; verify, export, backup and restore."""

import contextlib
import pathlib
import re
import shutil
import sqlite3
import subprocess
import time
import unittest

from system_case import CENTRAL, GATEWAY, judged, run, SystemCase, wait_until


class Tmpfs:
    """A file system of its own size, which only root can make."""

    def __init__(self, case, path, mebibytes):
        self.path = path
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "none", path], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"skipped: a tmpfs needs root here: {done.stderr.strip()}", flush=True)
            case.skipTest(done.stderr.strip())
        case.addCleanup(subprocess.run, ["umount", "-l", path], capture_output=True)

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)


class StoreTest(SystemCase):
    def begin(self, per_second=200, outbox_extra="", central=True):
        self.broker = self.world.broker()
        self.central = self.world.central()
        self.instrument = self.counter(per_second=per_second)
        self.gateway = self.world.gateway(self.instrument.config(), outbox_extra=outbox_extra)
        self.broker.start()
        if central:
            self.central.start()
        self.gateway.start()

    def stream(self):
        return self.world.status()["gateway"]["stream"]

    def outbox_file(self):
        return next(self.world.outbox.glob("*.outbox"))

    def assert_not_acknowledged(self, seconds=2):
        wait_until(lambda: self.instrument.waiting, 10, "the instrument to wait for an acknowledgement")
        time.sleep(0.5)
        before = self.instrument.acknowledged
        time.sleep(seconds)
        self.assertEqual(before, self.instrument.acknowledged, "an instrument was acknowledged although nothing can be written")

    def test_full_disk_stops_acknowledging_and_ends_by_itself(self):
        """field 26: a full file system; field 25: refusing ends when there is room; field 27: nothing is deleted"""
        Tmpfs(self, self.world.outbox, 16)
        self.begin(central=False)
        self.wait_acknowledged(self.instrument, 20)
        ballast = self.world.outbox / "ballast"
        with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        alarm = self.wait_alarm("outbox.full", seconds=20)
        self.assertIn("no longer acknowledged", alarm["what"])
        self.assert_not_acknowledged()
        self.assertEqual("full", self.world.status()["disk"]["state"])
        code, ready, _ = run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{self.world.gateway_port}/readyz") \
            if shutil.which("curl") else (0, "503", "")
        self.assertEqual("503", ready)
        ballast.unlink()
        self.wait_no_alarm("outbox.full")
        self.wait_acknowledged(self.instrument, 50)
        self.central.start()
        self.assert_balanced(self.instrument)

    def test_budget_is_reached_and_left_without_a_restart(self):
        """field 25: filled to the budget with the centre away; its acknowledgements make room; field 4: the smallest budget drains as well"""
        self.begin(per_second=2000, outbox_extra='budget = "1 MiB"\nretention_days = 0\n', central=False)
        self.wait_alarm("outbox.full", seconds=30)
        self.assert_not_acknowledged(1)
        count = self.world.backlog()
        self.instrument.quiet.set()
        self.central.start()
        wait_until(lambda: not self.instrument.waiting, 40, "the instrument to be acknowledged again")
        self.wait_no_alarm("outbox.full", seconds=20)
        self.assertGreater(self.assert_balanced(self.instrument), count // 2)

    def test_read_only_file_system_is_named_and_ends_by_itself(self):
        """field 26: written down nowhere, so acknowledged to nobody"""
        disk = Tmpfs(self, self.world.outbox, 32)
        self.begin()
        self.wait_acknowledged(self.instrument, 20)
        # A file that is open for writing keeps the file system writable, so the gateway finds it read-only when it starts.
        self.gateway.stop()
        disk.remount("ro")
        code, _, error = run(*self.gateway.command)
        self.assertEqual(69, code, error)
        self.assertIn(str(self.world.outbox), error)
        self.assertRegex(error, "(?i)read-only")
        disk.remount("rw")
        self.gateway.start()
        self.assert_balanced(self.instrument)

    def test_damaged_outbox_is_set_aside_whole_and_named(self):
        """field 29: garbage and a flipped header; a new stream begins, everything else runs"""
        self.begin()
        for damage in ("garbage", "header"):
            self.wait_acknowledged(self.instrument, 50)
            self.instrument.rest()
            self.world.wait_empty(20)
            before, file = self.stream(), self.outbox_file()
            self.gateway.kill()
            for tail in ("-wal", "-shm"):
                pathlib.Path(f"{file}{tail}").unlink(missing_ok=True)
            content = bytearray(file.read_bytes())
            content[:100 if damage == "garbage" else 16] = bytes(value ^ 0xA5 for value in content[:100 if damage == "garbage" else 16])
            file.write_bytes(content)
            self.gateway.start()
            self.instrument.quiet.clear()
            self.assertNotEqual(before, self.stream())
            alarm = self.wait_alarm("outbox.set_aside")
            self.assertIn(before, alarm["parameters"]["reason"])
            self.assertTrue(any(before in path.name for path in (self.world.outbox / "set-aside").iterdir()))
            self.assertEqual(bytes(content), (self.world.outbox / "set-aside" / file.name).read_bytes())
        self.wait_acknowledged(self.instrument, 50)
        self.instrument.rest()
        self.world.wait_empty(30)
        judge = judged(self.world.database)
        judge.compare([self.instrument.path])
        self.assertEqual([], judge.faults)
        self.assertGreaterEqual(judge.records["stream.closed"], 2)
        self.assertEqual(0, run(CENTRAL, "verify", self.world.database)[0])

    def test_second_gateway_on_one_outbox_is_refused_and_the_first_goes_on(self):
        """two programs never write one outbox: exit 69 and who has it"""
        self.begin()
        code, _, error = run(*self.gateway.command)
        self.assertEqual(69, code)
        self.assertIn(f"in use by process {self.gateway.child.pid}", error)
        self.wait_acknowledged(self.instrument, 20)
        self.assert_balanced(self.instrument)

    def test_foreign_write_lock_for_ten_seconds_loses_nothing(self):
        """field 31: somebody's sqlite3 shell holds BEGIN IMMEDIATE, and a read transaction before that; the page goes on"""
        self.begin()
        self.wait_acknowledged(self.instrument, 20)
        with contextlib.closing(sqlite3.connect(self.outbox_file(), isolation_level=None)) as shell:
            shell.execute("BEGIN")
            shell.execute("SELECT count(*) FROM sqlite_master").fetchone()
            self.wait_acknowledged(self.instrument, 50)
            shell.execute("COMMIT")
            shell.execute("BEGIN IMMEDIATE")
            end = time.monotonic() + 10
            while time.monotonic() < end:
                self.world.status()
                time.sleep(0.1)
            shell.execute("ROLLBACK")
        self.wait_acknowledged(self.instrument, 50)
        self.assert_balanced(self.instrument)

    def test_large_backlog_drains_to_zero_with_a_kill_in_the_middle(self):
        """field 3: the size of the backlog does not change what can be drained; field 2: what was acknowledged is not sent again after kill -9"""
        self.begin(per_second=1e9, central=False)
        self.instrument.window = 5000
        wait_until(lambda: self.instrument.acknowledged >= 65_000, 50, "65,000 lines to be stored")
        self.instrument.rest()
        self.assertGreaterEqual(self.world.backlog(), 65_000)
        self.central.start()
        wait_until(lambda: self.world.backlog() < 40_000, 40, "the drain to be on its way")
        self.gateway.kill()
        acknowledged = int(re.search(r" acknowledged=(\d+)", run(GATEWAY, "verify", self.world.outbox)[1])[1])
        self.assertGreater(acknowledged, 20_000)
        self.gateway.start()
        self.world.wait_empty(40)
        fresh = self.metric("published_total") - self.metric("repeated_total")
        self.assertLessEqual(fresh, self.metric("appended_total") - acknowledged, "what was acknowledged was sent again")
        self.assert_balanced(self.instrument)

    def test_altered_records_are_found_by_verify(self):
        """exit 65 and the record's number, in the outbox and in the centre's database"""
        self.begin()
        self.wait_acknowledged(self.instrument, 30)
        self.assert_balanced(self.instrument)
        self.gateway.stop()
        self.central.stop()
        for program, file, target in ((GATEWAY, self.outbox_file(), self.world.outbox), (CENTRAL, self.world.database, self.world.database)):
            self.assertEqual(0, run(program, "verify", target)[0])
            with contextlib.closing(sqlite3.connect(file)) as database:
                column = next(row[1] for row in database.execute("PRAGMA table_info(record)") if row[1] in ("seq", "id"))
                key = database.execute(f"SELECT {column} FROM record ORDER BY {column} LIMIT 1 OFFSET 9").fetchone()[0]
                database.execute(f"UPDATE record SET data = CAST(replace(CAST(data AS TEXT), '1', '7') || ' ' AS BLOB) WHERE {column} = ?", (key,))
                database.commit()
            code, out, error = run(program, "verify", target)
            self.assertEqual(65, code, out + error)
            self.assertRegex(out, r"altered.*\b10\b")

    def test_export_is_verified_offline_and_a_restored_backup_is_sent_what_it_forgot(self):
        """a copy is made while records come, and proves itself offline; a centre restored from yesterday is sent the rest again"""
        self.begin()
        self.wait_acknowledged(self.instrument, 50)
        configuration = self.world.path("central.toml")
        backup, export = self.world.path("backup.db"), self.world.path("export.db")
        code, out, error = run(CENTRAL, "backup", "-c", configuration, backup)  # while it runs and records come
        self.assertEqual(0, code, error)
        self.wait_acknowledged(self.instrument, 100)
        self.instrument.rest()
        self.world.wait_empty(20)
        self.assertEqual(0, run(CENTRAL, "export", "-c", configuration, export)[0])
        self.central.kill()
        for tail in ("", "-wal", "-shm"):
            pathlib.Path(f"{self.world.database}{tail}").unlink(missing_ok=True)
        code, out, error = run(CENTRAL, "verify", export)
        self.assertEqual(0, code, out + error)
        self.assertIn(self.stream(), out)
        self.assertEqual(0, run(CENTRAL, "verify", backup)[0])
        shutil.copy(backup, self.world.database)
        self.central.start()
        self.instrument.quiet.clear()
        self.wait_acknowledged(self.instrument, 20)
        self.instrument.rest()

        def all_back():
            judge = judged(self.world.database)
            judge.compare([self.instrument.path])
            return not judge.faults

        wait_until(all_back, 40, "the restored centre to hold everything again")
        self.assert_balanced(self.instrument)
        self.assertEqual(64, run(CENTRAL, "backup")[0])
        code, _, error = run(CENTRAL, "export", "-c", configuration, export)
        self.assertNotEqual(0, code, "an export wrote over a file that was there")

    def test_store_of_a_newer_version_is_refused(self):
        """field 60: one message and exit 78, which the service manager does not retry; the file is left alone"""
        self.begin()
        self.wait_acknowledged(self.instrument, 20)
        self.instrument.rest()
        self.world.wait_empty(20)
        self.gateway.stop()
        self.central.stop()
        for process, file in ((self.gateway, self.outbox_file()), (self.central, self.world.database)):
            with contextlib.closing(sqlite3.connect(file)) as database:
                version = database.execute("PRAGMA user_version").fetchone()[0]
                database.execute(f"PRAGMA user_version = {version + 1}")
            code, _, error = run(*process.command)
            self.assertEqual(78, code, error)
            self.assertRegex(error, "newer")
            with contextlib.closing(sqlite3.connect(file)) as database:
                database.execute(f"PRAGMA user_version = {version}")
            process.start()
        self.instrument.quiet.clear()
        self.wait_acknowledged(self.instrument, 20)
        self.assert_balanced(self.instrument)


if __name__ == "__main__":
    unittest.main(verbosity=2)
