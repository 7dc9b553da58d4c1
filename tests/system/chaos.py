#!/usr/bin/env python3
"""Gateway, broker and centre are killed at random moments while instruments work and the link is cut without FIN; then everything must balance.

usage: chaos.py [--seed N] [--kills N] [--cuts N] [--records N]

Each of the three programs is killed (SIGKILL) `kills` times, each time while at least one record is unacknowledged. The link goes through a proxy that turns
into a black hole `cuts` times: connections stay open, nothing passes. Once the outbox is damaged on disk, so that streams are closed and salvaged. Real
programs, real broker. The judge (judge.py) compares the instruments' own logs with the bytes that the centre stored. Exit 0 only when everything balances."""

import argparse
import asyncio
import collections
import hashlib
import json
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request

import exports
from judge import Judge, TYPES
from world import BIN, World, free_port, wait_until

LINES = 4

LINE = """
[[instrument]]
id = "line-{n}"
driver = "line"
connect = "127.0.0.1:{port}"
key_field = 2
acknowledgement = "ACK {{key}}\\n"
"""
REST = """
[[instrument]]
id = "reader-1"
driver = "spectramax"
port = "{port}"
poll_ms = 100

[[instrument]]
id = "exports"
driver = "folder"
path = "{drop}"
settle_s = 0.3
poll_s = 0.2
"""


class LineSource(threading.Thread):
    """An instrument on a serial server: sends `REC key payload`, repeats it until `ACK key`, and writes down what was acknowledged."""

    def __init__(self, name, port, seed, log):
        super().__init__(daemon=True)
        self.source, self.log, self.dice = name, open(log, "w"), random.Random(f"{seed} {name}")
        self.server = socket.create_server(("127.0.0.1", port))
        self.server.settimeout(0.2)
        self.acknowledged, self.next, self.waiting = 0, 1, {}
        self.enough = threading.Event()

    def run(self):
        while not (self.enough.is_set() and not self.waiting):
            try:
                peer, _ = self.server.accept()
            except TimeoutError:
                continue
            with peer:
                peer.settimeout(0.2)
                try:
                    self.talk(peer)
                except OSError:
                    pass
        self.log.close()

    def talk(self, peer):
        for text in self.waiting.values():  # not acknowledged on the last connection: said again
            peer.sendall(text.encode() + b"\n")
        heard, quiet = b"", 0
        while not (self.enough.is_set() and not self.waiting):
            while len(self.waiting) < 16 and not self.enough.is_set():
                key = f"{self.source}-{self.next:07}"
                self.next += 1
                payload = "".join(self.dice.choices("0123456789abcdef", k=self.dice.choice((20, 200, 1000))))
                self.waiting[key] = f"REC {key} {payload}"
                peer.sendall(self.waiting[key].encode() + b"\n")
                time.sleep(self.dice.choice((0, 0, 0.005)))
            try:
                got = peer.recv(4096)
            except TimeoutError:
                quiet += 1
                if quiet == 25:  # an instrument that hears nothing for 5 s says it again
                    return
                continue
            if not got:
                return
            quiet = 0
            *answers, heard = (heard + got).split(b"\n")
            for answer in answers:
                key = answer.decode().removeprefix("ACK ")
                text = self.waiting.pop(key, None)
                if text is not None:
                    self.log.write(json.dumps({"line": self.source, "key": key, "text": text}) + "\n")
                    self.log.flush()
                    self.acknowledged += 1


class Proxy(threading.Thread):
    """Between gateway and broker. `hole` swallows what comes on every open connection and closes none of them; new ones pass."""

    def __init__(self, port, to):
        super().__init__(daemon=True)
        self.port, self.to = port, to
        self.connections = []
        self.ready = threading.Event()
        self.start()
        self.ready.wait()

    def run(self):
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.serve())

    async def serve(self):
        server = await asyncio.start_server(self.accept, "127.0.0.1", self.port)
        self.ready.set()
        async with server:
            await server.serve_forever()

    async def accept(self, reader, writer):
        try:
            there = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        state = {"hole": False}
        self.connections.append(state)

        async def pump(source, sink):
            try:
                while data := await source.read(65536):
                    if state["hole"]:
                        continue
                    sink.write(data)
                    await sink.drain()
            except OSError:
                pass
            while state["hole"]:
                await asyncio.sleep(0.2)
            sink.transport.abort()

        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
        self.connections.remove(state)

    def cut(self):
        for state in self.connections:
            state["hole"] = True

    def forget(self):
        for state in self.connections:
            state["hole"] = False


class Chaos:
    def __init__(self, options):
        self.options = options
        self.dice = random.Random(options.seed)
        self.world = World(prefix="marrowlink-chaos-", keep=options.keep)
        self.kills = collections.Counter()
        self.unacknowledged = collections.defaultdict(list)
        self.skipped = 0
        self.plates = self.files = self.labels = 0
        proxy_port = free_port()
        self.drop = self.world.path("drop")
        self.drop.mkdir()
        self.files_log = self.world.path("files.jsonl")
        self.files_log.touch()
        self.reader_log = self.world.path("reader.jsonl")
        reader_port = self.world.path("reader-port")
        ports = [free_port() for _ in range(LINES)]
        self.sources = [LineSource(f"line-{n}", port, options.seed, self.world.path(f"line-{n}.jsonl")) for n, port in enumerate(ports)]
        self.broker = self.world.broker()
        self.central = self.world.central()
        self.reader = self.world.add("reader", [BIN / "marrowlink-gateway", "simulate", "spectramax", "--link", reader_port, "--read-seconds", 1,
                                                "--log", self.reader_log], reader_port.is_symlink)
        instruments = "".join(LINE.format(n=n, port=port) for n, port in enumerate(ports)) + REST.format(port=reader_port, drop=self.drop)
        self.gateway = self.world.gateway(instruments, broker_port=proxy_port)
        self.broker.start()
        self.proxy = Proxy(proxy_port, self.world.broker_port)
        for process in (self.central, self.reader, self.gateway):
            process.start()
        for source in self.sources:
            source.start()

    def acknowledged(self):
        return sum(source.acknowledged for source in self.sources)

    def backlog(self):
        try:
            return self.world.backlog()
        except OSError:
            return 0

    def when_unacknowledged(self, what):
        """Waits until some record is unacknowledged: only then does a kill prove anything."""
        for process in self.world.processes:
            if not process.running():
                raise RuntimeError(f"{process.name} ended by itself with {process.child.returncode}")
        waiting = wait_until(self.backlog, 60, f"an unacknowledged record before the next {what}")
        self.unacknowledged[what].append(waiting)

    def strike(self, process):
        self.when_unacknowledged(process.name)
        process.kill()
        self.kills[process.name] += 1
        time.sleep(self.dice.choice((0, 0.05, 0.3, 1.0)))
        process.start()

    def cut(self):
        self.when_unacknowledged("cut")
        self.proxy.cut()
        self.kills["cut"] += 1
        time.sleep(self.dice.uniform(0.2, 2))

    def work(self):
        """Plates, files and labels beside the lines, whenever the gateway is there to be asked."""
        choice = self.dice.randrange(4)
        if choice == 0:
            self.files += 1
            name, content = ((f"screen_{self.files:03}.txt", exports.gen5(self.files, f"PLATE-{self.files:03}")) if self.files % 2
                             else (f"tube_{self.files:03}.fcs", exports.fcs(self.files, 2000)))
            path = self.drop / name
            path.write_bytes(content)
            with open(self.files_log, "a") as log:
                log.write(json.dumps({"file": "exports", "sha256": hashlib.sha256(content).hexdigest(), "path": str(path)}) + "\n")
        elif choice == 1:
            self.gateway.signal(signal.SIGHUP)
            self.reader.signal(signal.SIGUSR1)  # somebody presses Read at the panel: a start in that moment is refused, its run aborted
            time.sleep(0.2)
            self.plate()
        else:
            self.plate()

    def plate(self):
        try:
            run = self.world.start_run("reader-1", f"CHAOS-{self.plates + 1:03}")
        except RuntimeError:
            return  # busy with the last one, or the gateway is not there: as a person would find it
        self.plates += 1
        try:
            body = json.dumps({"plate": f"CHAOS-{self.plates:03} corrected", "who": "a person", "why": "the label was wrong"}).encode()
            base = f"http://127.0.0.1:{self.world.gateway_port}"
            request = urllib.request.Request(f"{base}/api/runs/{run}/label", body, {"Content-Type": "application/json", "Origin": base})
            with urllib.request.urlopen(request, timeout=5):
                self.labels += 1
        except OSError:
            pass

    def damage(self):
        """Somebody opens the outbox with sqlite3 and changes its tables: it is no longer ours, must be set aside, and everything in it still sent."""
        self.when_unacknowledged("damage")
        self.gateway.kill()
        with sqlite3.connect(next(self.world.outbox.glob("*.outbox"))) as outbox:
            outbox.execute("CREATE TABLE visitor(name TEXT)")
        outbox.close()
        self.kills["damage"] += 1
        self.gateway.start()

    def run(self):
        options = self.options
        began = time.monotonic()
        todo = [self.broker, self.central, self.gateway] * options.kills + ["cut"] * options.cuts
        self.dice.shuffle(todo)
        damage_at = len(todo) // 2
        for number, victim in enumerate(todo):
            if number == damage_at and options.damage:
                self.damage()
            self.work()
            time.sleep(self.dice.uniform(0.1, 0.6))
            if victim == "cut":
                self.cut()
            else:
                self.strike(victim)
            self.work()
        print(f"chaos: {dict(self.kills)} after {time.monotonic() - began:.0f} s; lines acknowledged: {self.acknowledged()}", flush=True)
        # At least one minute of uptime makes a telemetry record; the lines go on meanwhile.
        wait_until(lambda: self.acknowledged() >= options.records, 600, f"{options.records} acknowledged lines")
        time.sleep(max(0, options.quiet))
        for source in self.sources:
            source.enough.set()
        self.proxy.forget()
        for source in self.sources:
            source.join(120)
        print(f"chaos: faults are over; {self.acknowledged()} lines acknowledged, {self.files} files dropped, {self.plates} plates, {self.labels} labels", flush=True)
        self.world.wait_empty(180)
        wait_until(self.reader_cleared, 60, "the reader to be cleared")
        wait_until(self.files_taken, 60, "every dropped file to be taken")
        self.world.wait_empty(60)

    def reader_cleared(self):
        """A plate whose start a kill hid from us is measured as well; judging while it is on its way would call it missing."""
        log = self.reader_log.read_text()
        return log.count('"started"') == log.count('"measured"') == log.count('"cleared"')

    def files_taken(self):
        totals = self.world.runs()["totals"]
        return sum(total["runs"] for total in totals if total["instrument"] == "exports" and total["state"] == "complete") == self.files

    def verdict(self):
        for what, waiting in sorted(self.unacknowledged.items()):
            print(f"chaos: {what}: {len(waiting)} times, records unacknowledged at that moment: min {min(waiting)}, median {sorted(waiting)[len(waiting) // 2]}, max {max(waiting)}")
        print(self.world.verify().strip())
        logs = [self.world.path(f"line-{n}.jsonl") for n in range(LINES)] + [self.files_log, self.reader_log]
        judged = subprocess.run([sys.executable, str(Judge.program), str(self.world.database), *map(str, logs)], text=True, capture_output=True)
        print(judged.stdout.strip() + judged.stderr)
        missing = {kind for kind in TYPES if f" {kind}" not in judged.stdout}
        if missing and self.options.every_type:
            print(f"chaos: no record of type {', '.join(sorted(missing))}")
        return judged.returncode or (1 if missing and self.options.every_type else 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--kills", type=int, default=30, help="of each program")
    parser.add_argument("--cuts", type=int, default=10)
    parser.add_argument("--records", type=int, default=20000)
    parser.add_argument("--quiet", type=float, default=65, help="seconds without faults at the end, so that telemetry comes")
    parser.add_argument("--no-damage", dest="damage", action="store_false")
    parser.add_argument("--any-types", dest="every_type", action="store_false", help="do not ask for a record of every type")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    print(f"chaos: seed {options.seed}", flush=True)
    chaos = Chaos(options)
    try:
        chaos.run()
        return chaos.verdict()
    except (TimeoutError, RuntimeError) as problem:
        print(f"chaos: {problem}")
        for process in chaos.world.processes:
            print(f"— the end of {process.name}'s log\n{process.tail(12)}")
        return 1
    finally:
        chaos.world.stop()


if __name__ == "__main__":
    sys.exit(main())
