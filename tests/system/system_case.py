"""What the system tests share: a world per test, a line instrument, a certificate authority, a way to add to the broker's configuration."""

import contextlib
import io
import json
import os
import pathlib
import socket
import subprocess
import threading
import time
import unittest
import urllib.request

from judge import Judge
from world import BIN, World, free_port, get_json, wait_until

# Started by root, mosquitto becomes its own user, who may not read a test's directory.
AS_ROOT = "user root\n" if os.geteuid() == 0 else ""
GATEWAY = BIN / "marrowlink-gateway"
CENTRAL = BIN / "marrowlink-central"

LINE = """
[[instrument]]
id = "{name}"
driver = "line"
connect = "127.0.0.1:{port}"
key_field = 2
acknowledgement = "ACK {{key}}\\n"
"""
FOLDER = """
[[instrument]]
id = "exports"
driver = "folder"
path = "{path}"
settle_s = 0.3
poll_s = 0.2
"""


class Counter(threading.Thread):
    """An instrument on a serial server. It sends `REC key payload` at `per_second`, repeats what is not acknowledged when the connection is new, and
    writes down each line that was acknowledged: that, the gateway has promised to keep."""

    def __init__(self, world, name="counter", per_second=200):
        super().__init__(daemon=True)
        self.source, self.pause = name, 1 / per_second
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(0.1)
        self.port = self.server.getsockname()[1]
        self.path = world.path(f"{name}.jsonl")
        self.path.touch()
        self.acknowledged = 0
        self.window = 200  # lines without acknowledgement
        self.waiting, self.next = {}, 1
        self.quiet = threading.Event()  # set: no new line is measured
        self.over = threading.Event()

    def config(self):
        return LINE.format(name=self.source, port=self.port)

    def run(self):
        with open(self.path, "w") as log:
            while not self.over.is_set():
                with contextlib.suppress(OSError):
                    peer, _ = self.server.accept()
                    with peer:
                        peer.settimeout(0.001)
                        self.talk(peer, log)
        self.server.close()

    def talk(self, peer, log):
        for text in list(self.waiting.values()):
            peer.sendall(text.encode() + b"\n")
        heard, due = b"", time.monotonic()
        while not self.over.is_set():
            lines = []
            while not self.quiet.is_set() and len(self.waiting) < self.window and time.monotonic() >= due and len(lines) < 100:
                due += self.pause
                key = f"{self.source}-{self.next:07}"
                self.next += 1
                self.waiting[key] = f"REC {key} {self.next * 7919 % 100003}"
                lines.append(self.waiting[key] + "\n")
            if lines:
                peer.sendall("".join(lines).encode())
            try:
                got = peer.recv(65536)
            except TimeoutError:
                continue
            if not got:
                return
            *answers, heard = (heard + got).split(b"\n")
            known = [(key, self.waiting.pop(key, None)) for key in (answer.decode().removeprefix("ACK ") for answer in answers)]
            log.writelines(json.dumps({"line": self.source, "key": key, "text": text}) + "\n" for key, text in known if text is not None)
            log.flush()
            self.acknowledged += sum(text is not None for _, text in known)

    def rest(self, seconds=20):
        """No new line; returns when every line that was sent has been acknowledged."""
        self.quiet.set()
        wait_until(lambda: not self.waiting, seconds, "every line to be acknowledged to the instrument")


class SystemCase(unittest.TestCase):
    def setUp(self):
        self.world = World(prefix="marrowlink-test-")
        self.counters = []
        self.addCleanup(self.end)

    def end(self):
        result = self._outcome.result
        failed = any(getattr(test, "test_case", test) is self for test, _ in result.failures + result.errors)
        for counter in self.counters:
            counter.over.set()
        for process in self.world.processes:
            if failed and pathlib.Path(process.log).exists():
                print(f"— {self.id()}: the end of {process.name}'s log\n{process.tail(25)}", flush=True)
        self.world.stop()
        self.assertEqual([], self.world.problems)

    def counter(self, **options):
        counter = Counter(self.world, **options)
        self.counters.append(counter)
        counter.start()
        return counter

    def link(self):
        return self.world.status()["link"]

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.world.gateway_port}/metrics") as answer:
            return next(int(float(line.split()[1])) for line in answer.read().decode().splitlines() if line.startswith(f"marrowlink_{name} "))

    def alarm(self, name):
        return next((alarm for alarm in self.world.status()["alarms"] if alarm["id"] == name), None)

    def wait_link(self, *states, seconds=15):
        def reached():
            link = self.link()
            return link if link["state"] in states else None

        return wait_until(reached, seconds, f"the link to be {' or '.join(states)} (it is {self.link()})")

    def wait_alarm(self, name, seconds=15):
        return wait_until(lambda: self.alarm(name), seconds, f"alarm {name}")

    def wait_no_alarm(self, name, seconds=15):
        wait_until(lambda: not self.alarm(name), seconds, f"alarm {name} to end")

    def wait_acknowledged(self, counter, more, seconds=15):
        """Until the instrument has heard `more` acknowledgements from now on."""
        before = counter.acknowledged
        wait_until(lambda: counter.acknowledged >= before + more, seconds, f"{more} more lines to be acknowledged to the instrument")

    def assert_balanced(self, *counters, seconds=45):
        """Every line that was acknowledged is at the centre, once and unchanged; both sides prove their bytes."""
        for counter in counters:
            counter.rest()
        self.world.wait_empty(seconds)
        self.world.verify()
        judge = judged(self.world.database)
        seen = judge.compare([counter.path for counter in counters])
        self.assertEqual([], judge.faults[:5])
        self.assertEqual(0, judge.revisions)
        self.assertEqual(sum(counter.acknowledged for counter in counters), seen["lines"])
        self.assertGreater(seen["lines"], 0)
        return seen["lines"]


def judged(database):
    """A judge that only judges; it prints one line a stream otherwise."""
    with contextlib.redirect_stdout(io.StringIO()):
        return Judge(database)


def run(*command, **options):
    """Returns (exit code, standard output, standard error)."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, **options)
    return done.returncode, done.stdout, done.stderr
