#!/usr/bin/env python3
"""Configuration: mistakes at start, at `check` and at reload, with real programs."""

import pathlib
import signal
import time
import unittest

from system_case import CENTRAL, GATEWAY, SystemCase, run, wait_until

GOOD = """site = "paris"
gateway = "gw1"
[outbox]
directory = "{directory}"
[broker]
host = "127.0.0.1"
[[instrument]]
id = "counter"
driver = "line"
connect = "127.0.0.1:9"
"""
# What a person does wrong, the line it is on, and what the message must hold.
MISTAKES = (
    ("an unknown key", 'host = "127.0.0.1"', 'hosst = "127.0.0.1"', 6, 'did you mean "host"?'),
    ("an unknown section", "[outbox]", "[outbx]", 3, 'did you mean "outbox"?'),
    ("a wrong type", 'gateway = "gw1"', "gateway = 1", 2, "expected"),
    ("an unknown driver", 'driver = "line"', 'driver = "lines"', 9, 'did you mean "line"?'),
    ("an id that no topic can hold", 'site = "paris"', 'site = "Paris/1"', 1, "expected"),
    ("a reserved id", 'site = "paris"', 'site = "centre"', 1, "choose another"),
    ("a port out of range", "127.0.0.1:9", "127.0.0.1:99999", 10, "99999"),
    ("broken TOML", 'site = "paris"', 'site = "paris', 1, "not valid TOML"),
    ("a missing table", '[broker]\nhost = "127.0.0.1"\n', "", None, "broker"),
    ("two instruments of one id", 'connect = "127.0.0.1:9"\n',
     'connect = "127.0.0.1:9"\n[[instrument]]\nid = "counter"\ndriver = "line"\nconnect = "127.0.0.1:10"\n', 12, "counter"),
)


class ConfigurationTest(SystemCase):
    def test_each_mistake_at_start_names_file_line_and_remedy_and_ends_with_78(self):
        """field 53: the reason goes where the platform shows it; field 54, field 56: unknown keys are errors that name the nearest one"""
        file = self.world.path("gateway.toml")
        good = GOOD.format(directory=self.world.outbox)
        file.write_text(good)
        code, out, error = run(GATEWAY, "check", file)
        self.assertEqual((0, ""), (code, error))
        self.assertIn("is good", out)
        for name, old, new, line, remedy in MISTAKES:
            with self.subTest(name):
                self.assertIn(old, good)
                file.write_text(good.replace(old, new))
                for command in (("run", "-c"), ("check",)):
                    code, _, error = run(GATEWAY, *command, file)
                    self.assertEqual(78, code, error)
                    self.assertIn(f"{file}:{line}:" if line else str(file), error)
                    self.assertIn(remedy, error)
        self.assertEqual([], list(self.world.outbox.glob("*.outbox")), "a refused configuration has made an outbox")
        code, _, error = run(GATEWAY, "run", "-c", self.world.path("absent.toml"))
        self.assertEqual(78, code)
        self.assertIn("absent.toml", error)

    def test_unknown_key_says_misspelt_or_newer_with_this_version(self):
        """field 56: golden text"""
        file = self.world.path("gateway.toml")
        file.write_text(GOOD.format(directory=self.world.outbox).replace("host", "hosst"))
        version = run(GATEWAY, "--version")[1].split()[1]
        error = run(GATEWAY, "check", file)[2]
        self.assertIn(f'{file}:6:1: unknown key "hosst" in [broker]; did you mean "host"? It is misspelt, or from a newer version (this is {version}).', error)

    def test_centre_refuses_its_mistakes_in_the_same_way(self):
        """field 53, field 54 for the centre"""
        file = self.world.path("central.toml")
        good = f'database = "{self.world.database}"\n[broker]\nhost = "127.0.0.1"\n'
        for old, new, line, remedy in (("database", "databse", 1, 'did you mean "database"?'), ("host", "hots", 3, 'did you mean "host"?'),
                                       ('"127.0.0.1"', "7", 3, "expected")):
            file.write_text(good.replace(old, new))
            for command in (("run", "-c"), ("check",)):
                code, _, error = run(CENTRAL, *command, file)
                self.assertEqual(78, code, error)
                self.assertIn(f"{file}:{line}:", error)
                self.assertIn(remedy, error)
        self.assertFalse(self.world.database.exists())

    def begin(self):
        self.broker = self.world.broker()
        self.central = self.world.central()
        self.instrument = self.counter()
        self.gateway = self.world.gateway(self.instrument.config())
        for process in (self.broker, self.central, self.gateway):
            process.start()
        self.wait_link("connected")
        self.file = self.world.path("gateway.toml")
        self.good = self.file.read_text()

    def reload(self, text):
        self.file.write_text(text)
        self.gateway.signal(signal.SIGHUP)

    def test_broken_reload_under_load_changes_nothing_and_is_named(self):
        """field 55: the running configuration stays in force; field 12: no change of settings drops a record"""
        self.begin()
        pid = self.gateway.child.pid
        for broken in (self.good.replace("driver", "drivr"), "[[", "", self.good + "\nsite = 1\n"):
            self.reload(broken)
            self.wait_alarm("configuration.refused")
            self.wait_acknowledged(self.instrument, 30)
            self.reload(self.good)
            self.wait_no_alarm("configuration.refused")
        self.assertIn("drivr", self.gateway.tail(10 ** 6))
        self.reload(self.good.replace('site = "paris"', 'site = "lyon"'))
        self.assertIn("site", self.wait_alarm("configuration.restart_needed")["parameters"]["sections"])
        self.reload(self.good)
        self.wait_no_alarm("configuration.restart_needed")
        self.assertTrue(self.gateway.running())
        self.assertEqual(pid, self.gateway.child.pid)
        self.assert_balanced(self.instrument)

    def test_reconnects_with_a_reload_each_leave_the_outbox_alone(self):
        """field 6: nothing reloaded or remote touches a live outbox; field 12: instruments come and go, the count stays"""
        self.begin()
        stream = self.world.status()["gateway"]["stream"]
        files = sorted(path.name for path in self.world.outbox.glob("*.outbox"))
        extra = '\n[[instrument]]\nid = "other-{n}"\ndriver = "line"\nconnect = "127.0.0.1:9"\n'
        for n in range(20):
            self.broker.kill()
            self.broker.start()
            self.reload(self.good + (extra.format(n=n) if n % 2 else ""))
            self.wait_acknowledged(self.instrument, 5)
            self.assertEqual(stream, self.world.status()["gateway"]["stream"])
        self.reload(self.good)
        self.wait_link("connected", seconds=40)
        self.assertEqual(files, sorted(path.name for path in self.world.outbox.glob("*.outbox")))
        self.assert_balanced(self.instrument)
        self.assertEqual(stream, self.world.status()["gateway"]["stream"])

    def test_a_thousand_instruments_come_and_go_and_leave_no_descriptor(self):
        """field 33: what an instrument opened is closed with it"""
        self.begin()
        crowd = "".join(f'\n[[instrument]]\nid = "{kind}-{n}"\ndriver = {line}\n' for n in range(10) for kind, line in (
            ("dead", '"line"\nconnect = "127.0.0.1:9"'), ("listens", '"line"\nlisten = "127.0.0.1:0"'),
            ("port", f'"spectramax"\nport = "/dev/no-such-port-{n}"'), ("folder", f'"folder"\npath = "{self.world.path(f"folder-{n}")}"')))
        for n in range(10):
            self.world.path(f"folder-{n}").mkdir()
        descriptors = pathlib.Path(f"/proc/{self.gateway.child.pid}/fd")
        ids = lambda: [card["id"] for card in self.world.status()["instruments"]]
        counts = []
        for _ in range(25):
            self.reload(self.good + crowd)
            wait_until(lambda: len(ids()) == 41, 10, "forty more instruments")
            self.reload(self.good)
            wait_until(lambda: len(ids()) == 1, 10, "the forty to go")
            counts.append(len(list(descriptors.iterdir())))
        # A connection to the page may be on its way to being closed, and an instrument's coroutine on its way to its end.
        wait_until(lambda: len(list(descriptors.iterdir())) <= counts[0], 5, f"as few descriptors as after the first time (then: {counts})")
        self.assert_balanced(self.instrument)

    def test_settings_change_with_a_backlog_and_a_restart_and_the_count_stays(self):
        """field 12: every setting that may change does, with records waiting; none is dropped"""
        self.begin()
        self.central.stop()
        self.wait_link("centre_away")
        self.wait_acknowledged(self.instrument, 100)
        for old, new in (("keepalive_s = 5", "keepalive_s = 20\nclient_id = \"another\""), ("[page]", "[window]\nrecords = 1\n[page]"),
                         ("[broker]", "budget = \"1 MiB\"\nretention_days = 0\n[broker]"), ('id = "counter"', 'title = "Another title"\nid = "counter"')):
            self.instrument.rest()
            time.sleep(0.2)
            before = self.world.status()["link"]["appended"]
            self.good = self.good.replace(old, new)
            self.file.write_text(self.good)
            self.gateway.kill()
            self.gateway.start()
            self.assertGreaterEqual(self.world.status()["link"]["appended"], before)
            self.instrument.quiet.clear()
            self.wait_acknowledged(self.instrument, 5)
        self.central.start()
        self.assert_balanced(self.instrument)


if __name__ == "__main__":
    unittest.main(verbosity=2)
