#!/usr/bin/env python3
"""An instrument that sends ASTM frames to an adapter (its own program, in QEMU) while the adapter and the gateway are killed at random moments.

usage: adapter_chaos.py [--messages N] [--kills N] [--seed N]

The adapter says ACK by itself; a frame without ACK is sent again, as the standard asks. Whatever was acknowledged must reach the centre once and
unchanged; nothing may be dropped without a word of it. Exits 0 only when it balances."""

import argparse
import json
import random
import socket
import subprocess
import sys
import time

from judge import Judge
from qemu import Adapter
from world import World, wait_until

INSTRUMENT = """
[[instrument]]
id = "analyser"
driver = "line"
terminator = "\\r\\n"
key_field = 2
adapter = {{ port = "{bus}", parity = "none", unit = 1, answers = "astm", poll_ms = 20 }}
"""
STX, ETX, ENQ, ACK, NAK = b"\x02", b"\x03", b"\x05", b"\x06", b"\x15"


def frame(number, text):
    body = f"{number % 8} {text}".encode() + ETX
    return STX + body + f"{sum(body) % 256:02X}".encode() + b"\r\n"


class Analyser:
    """The instrument's end of the line. It forgets a message when it has heard ACK, and then writes it into its log."""

    def __init__(self, adapter, log, dice):
        self.adapter, self.log, self.dice = adapter, log, dice
        self.line = None
        self.sent = self.repeated = self.refused = self.silent = 0

    def connect(self):
        if self.line:
            self.line.close()
        self.line = self.adapter.open_instrument()
        self.line.settimeout(2)

    def lost(self):
        if self.line:
            self.line.close()
        self.line = None

    def say(self, number):
        key = f"M{number:06}"
        text = f"{key} result {self.dice.random():.6f} {'x' * self.dice.randrange(150)}"
        whole = frame(number, text)
        for attempt in range(200):
            if not self.line:
                try:
                    self.connect()
                except OSError:
                    time.sleep(0.05)
                    continue
            try:
                self.line.sendall(whole)
                answer = self.line.recv(1)
            except (socket.timeout, OSError):
                self.silent += 1
                self.lost()
                continue
            if answer == ACK:
                self.repeated += attempt > 0
                self.sent += 1
                with open(self.log, "a") as log:
                    log.write(json.dumps({"line": "analyser", "key": key, "text": whole[:-2].decode()}) + "\n")
                return
            if answer == NAK:
                self.refused += 1
                time.sleep(0.1)
            else:
                self.lost()
        raise TimeoutError(f"message {number} was never acknowledged")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=30, help="of the adapter and of the gateway, each")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    dice = random.Random(options.seed)
    kills = sorted([(dice.randrange(1, options.messages), what) for what in ("adapter", "gateway") for _ in range(options.kills)])
    world = World(prefix="marrowlink-adapter-")
    adapter = Adapter(world.directory)
    log = world.path("acknowledged.jsonl")
    began = time.monotonic()
    try:
        broker, central = world.broker(), world.central()
        gateway = world.gateway(INSTRUMENT.format(bus=adapter.port))
        for process in (broker, central, adapter, gateway):
            process.start()
        analyser = Analyser(adapter, log, dice)
        for number in range(options.messages):
            while kills and kills[0][0] == number:
                _, what = kills.pop(0)
                if what == "adapter":
                    adapter.kill()
                    adapter.start()
                else:
                    gateway.kill()
                    gateway.start()
            analyser.say(number)
        print(f"{analyser.sent} messages acknowledged by the adapter in {time.monotonic() - began:.0f} s, {analyser.repeated} of them sent more than "
              f"once; {analyser.silent} times no answer, {analyser.refused} times refused", flush=True)

        def arrived():
            try:
                return sum(total["runs"] for total in world.runs()["totals"]) >= options.messages and world.backlog() == 0
            except OSError:
                return False

        wait_until(arrived, 120, "every message to be counted at the centre")
        print(world.verify().strip())
        judged = subprocess.run([sys.executable, str(Judge.program), str(world.database), str(log)], text=True, capture_output=True)
        print(judged.stdout.strip() + judged.stderr)
        totals = world.runs()["totals"]
        counted = sum(total["runs"] for total in totals)
        print(f"{counted} runs at the centre")
        return 0 if judged.returncode == 0 and counted == options.messages else 1
    except (TimeoutError, RuntimeError) as problem:
        print(problem)
        for process in world.processes:
            print(f"— the end of {process.name}'s log\n{process.tail(12)}")
        return 1
    finally:
        world.stop()
        adapter.stop()


if __name__ == "__main__":
    sys.exit(main())
