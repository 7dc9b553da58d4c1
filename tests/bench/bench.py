#!/usr/bin/env python3
"""Measures the release programs beside the limits of this machine, and says which aims are met.

usage: bench.py [quick] [store] [flow] [idle] [start] [drain] [adapter] [analysis] [verdict] [files]

Without names everything is measured. `quick` uses fewer and smaller rounds: to see that it runs, not for numbers. A limit (fdatasync, a plain SQLite loop, a
plain libmosquitto publisher and subscriber) is measured in the same rounds as what it limits, because the speed of a disk changes by the minute; compare
ratios, not numbers of different runs. What is measured and how: docs/benchmarks.md."""

import os
import pathlib
import shutil
import socket
import statistics
import sys
import tempfile
import time

from adapter import measure_adapter
from measure import Table, cpu_s, fdatasync_ms, memory_mib, run_json, say, share
from verdict import measure_verdict
import exports  # measure made it importable
from world import BIN, World, free_port, listening, wait_until

PARTS = ("store", "flow", "idle", "start", "drain", "adapter", "analysis", "verdict", "files")
RECORD_BYTES = 1024
SOURCE = """
[[instrument]]
id = "source"
driver = "line"
connect = "127.0.0.1:{port}"
key_field = 2
acknowledgement = "ACK {{key}}\\n"
"""

EXPORTS = """
[[instrument]]
id = "exports"
driver = "folder"
path = "{path}"
settle_s = 0.1
"""


class Bench:
    def __init__(self, quick):
        self.quick = quick
        self.rounds = 2 if quick else 5
        self.records = 4_000 if quick else 60_000
        self.million = 20_000 if quick else 1_000_000
        self.table = Table()
        self.filled = None

    def store(self):
        """Durable appends, each cell beside a plain SQLite loop at the same grouping."""
        with tempfile.TemporaryDirectory(prefix="marrowlink-bench-", dir=os.environ.get("TMPDIR")) as directory:
            cells, syncs = {}, []
            for _ in range(self.rounds):
                syncs.append(fdatasync_ms(directory, 50 if self.quick else 300))
                for line in run_json(BIN / "bench_store", directory, 1, 0.1 if self.quick else 0.8):
                    cells.setdefault((line["bytes"], line["group"]), []).append(line)
        self.table.add("fdatasync, 4 KiB, p50", [share(s, 0.5) for s in syncs], "ms", 2)
        self.table.add("fdatasync, 4 KiB, p99", [share(s, 0.99) for s in syncs], "ms", 2)
        for (size, group), lines in cells.items():
            ratio = [line["outbox"] / line["sqlite"] for line in lines]
            what = "alone" if group == 1 else f"{group} waiting"
            self.table.add(f"appends, {size // 1024} KiB, {what}", [line["outbox"] for line in lines], "/s", 0, [line["sqlite"] for line in lines], ratio,
                           "ratio ≥ 0.8", statistics.median(ratio) >= 0.8)

    def run_flow(self, world, port, records, window, rate):
        return run_json(BIN / "bench_link", "flow", world.broker_port, "paris", "gw1", port, records, RECORD_BYTES, window, rate)[0]

    def flow(self):
        """Source → central's commit → acknowledgement: as fast as it goes, and at 200 records a second."""
        plain, whole, source, cpu, central_cpu, broker_cpu, syncs, slow = [], [], [], [], [], [], [], []
        for _ in range(self.rounds):
            with World(prefix="marrowlink-bench-") as world:
                port = free_port()
                broker = world.broker("max_queued_messages 0\n").start()
                plain.append(run_json(BIN / "bench_link", "plain", world.broker_port, self.records, RECORD_BYTES)[0]["per_s"])
                central = world.central().start()
                gateway = world.gateway(SOURCE.format(port=port)).start()
                processes = (gateway, central, broker)
                before = [cpu_s(process.child.pid) for process in processes]
                result = self.run_flow(world, port, self.records, 1024, 0)
                used = [(cpu_s(process.child.pid) - was) * 1e5 / self.records for process, was in zip(processes, before)]
                for into, value in zip((cpu, central_cpu, broker_cpu), used):
                    into.append(value)
                whole.append(result["per_s"])
                source.append(result["source_per_s"])
                gateway.stop()
                port = free_port()
                gateway = world.gateway(SOURCE.format(port=port)).start()
                syncs.append(fdatasync_ms(world.directory, 50 if self.quick else 300))
                slow.append(self.run_flow(world, port, 200 if self.quick else 1000, 1000, 200))
        ratio = [ours / limit for ours, limit in zip(whole, plain)]
        self.table.add("records, source to centre's acknowledgement", whole, "/s", 0, plain, ratio, "ratio ≥ 0.8", statistics.median(ratio) >= 0.8)
        self.table.add("the same, as a rate", whole, "/s", aim="≥ 8,000/s", met=statistics.median(whole) >= 8000)
        self.table.add("the same, until the source is acknowledged", source, "/s")
        self.table.add("gateway, CPU per 100,000 records", cpu, "s", 2, aim="≤ 5 s", met=statistics.median(cpu) <= 5)
        self.table.add("central, CPU per 100,000 records", central_cpu, "s", 2)
        self.table.add("broker, CPU per 100,000 records", broker_cpu, "s", 2)
        for part, name in ((0.5, "p50"), (0.99, "p99")):
            limit = [share(s, part) for s in syncs]
            values = [s[f"centre_{name}_ms"] for s in slow]
            aims = {"aim": "≤ 3 × fdatasync + 2 ms", "met": statistics.median(values) <= 3 * statistics.median(limit) + 2} if name == "p99" else {}
            self.table.add(f"200/s: instrument's byte to centre's acknowledgement, {name}", values, "ms", 2, limit, [v / x for v, x in zip(values, limit)], **aims)
            values = [s[f"source_{name}_ms"] for s in slow]
            self.table.add(f"200/s: instrument's byte to its own acknowledgement, {name}", values, "ms", 2, limit, [v / x for v, x in zip(values, limit)])

    def idle(self):
        """Connected to everything, nothing to do."""
        memory, cpu = [], []
        with World(prefix="marrowlink-bench-") as world, socket.create_server(("127.0.0.1", 0)) as instrument:
            world.broker().start()
            world.central().start()
            gateway = world.gateway(SOURCE.format(port=instrument.getsockname()[1])).start()
            silent, _ = instrument.accept()
            with silent:
                time.sleep(3)
                for _ in range(1 if self.quick else 5):
                    span = 3 if self.quick else 20
                    before = cpu_s(gateway.child.pid)
                    time.sleep(span)
                    cpu.append((cpu_s(gateway.child.pid) - before) / span * 100)
                    memory.append(memory_mib(gateway.child.pid, "VmRSS"))
        self.table.add("idle: RSS", memory, "MiB", 1, aim="≤ 12 MiB", met=statistics.median(memory) <= 12)
        self.table.add("idle: CPU over 20 s", cpu, "%", 3, aim="≤ 0.1 %", met=statistics.median(cpu) <= 0.1)

    def started_ms(self, world):
        gateway = world.processes[-1]
        gateway.ready = None
        began = time.perf_counter()
        gateway.start()
        probe = listening(world.gateway_port)
        while not probe():
            if not gateway.running():
                raise RuntimeError("the gateway ended at once:\n" + gateway.tail())
            time.sleep(0.0005)
        took = (time.perf_counter() - began) * 1e3
        gateway.stop()
        return took

    def start(self):
        """From the start of the process until the page's port takes a connection."""
        empty = []
        for _ in range(self.rounds):
            with World(prefix="marrowlink-bench-") as world:
                world.gateway("")
                empty.append(self.started_ms(world))
        self.table.add("start to listening, empty", empty, "ms", 0, aim="≤ 50 ms", met=statistics.median(empty) <= 50)
        with World(prefix="marrowlink-bench-") as world:
            self.fill(world)
            world.gateway("")
            full = [self.started_ms(world) for _ in range(self.rounds)]
        self.table.add(f"start to listening, {self.million:,} records waiting", full, "ms", 0, aim="≤ 100 ms", met=statistics.median(full) <= 100)

    def fill(self, world):
        """The same filled outbox for whoever needs one; it is made once and copied."""
        if self.filled is None:
            self.filled = pathlib.Path(tempfile.mkdtemp(prefix="marrowlink-bench-filled-"))
            run_json(BIN / "bench_fill", self.filled, "paris", "gw1", self.million, RECORD_BYTES)
        shutil.copytree(self.filled, world.outbox, dirs_exist_ok=True)

    def drain(self):
        """The backlog of a long outage leaves at a steady rate, in bounded memory."""
        with World(prefix="marrowlink-bench-") as world:
            self.fill(world)
            broker, central = world.broker(), world.central()
            gateway = world.gateway("").start()
            broker.start()
            central.start()
            before, seen = cpu_s(gateway.child.pid), []

            def drained():
                acknowledged = world.status()["link"].get("acknowledged", 0)
                seen.append((time.perf_counter(), acknowledged))
                time.sleep(0.1 if self.quick else 0.5)
                return acknowledged >= self.million

            wait_until(drained, 1800, "the backlog to drain")
            used = (cpu_s(gateway.child.pid) - before) * 1e5 / self.million
            peak, peak_central = memory_mib(gateway.child.pid, "VmHWM"), memory_mib(central.child.pid, "VmHWM")
        rates, tenth = [], self.million / 10
        begin = next(i for i in range(len(seen)) if seen[i + 1][1] > 0)
        at = begin
        while at < len(seen) - 1:
            end = next((i for i in range(at, len(seen)) if seen[i][1] >= seen[at][1] + tenth), len(seen) - 1)
            rates.append((seen[end][1] - seen[at][1]) / (seen[end][0] - seen[at][0]))
            at = end
        say("  records/s in each tenth: " + " ".join(f"{rate:,.0f}" for rate in rates))
        self.table.add(f"draining {self.million:,}: rate in each tenth", rates, "/s", 0)
        slowest = min(rates[:-1] or rates) / statistics.median(rates)
        self.table.add("draining: slowest tenth against the median", [slowest], "", 2, aim="steady: ≥ 0.7", met=slowest >= 0.7)
        self.table.add("draining: gateway's CPU per 100,000 records", [used], "s", 2)
        self.table.add("draining: gateway's peak RSS", [peak], "MiB", 1, aim="≤ 24 MiB", met=peak <= 24)
        self.table.add("draining: central's peak RSS", [peak_central], "MiB", 1)

    def adapter(self):
        """An adapter and its wire: round trips, throughput, lateness, and what polling thirty of them takes."""
        measure_adapter(self)

    def analysis(self):
        """Fits of curves, a plate, and how often the intervals of DSS2 hold the truth."""
        speed, plate = {}, []
        for _ in range(self.rounds):
            for line in run_json(BIN / "bench_analysis", "speed", 0.2 if self.quick else 2):
                speed.setdefault((line["model"], line["threads"]), []).append(line["fits_per_s"])
            plate += run_json(BIN / "bench_analysis", "plate")
        for (model, threads), values in speed.items():
            if threads == 1:
                self.table.add(f"global fits, {model}, one core", values, "/s", 0, aim="≥ 100,000/s", met=statistics.median(values) >= 1e5)
            else:
                self.table.add(f"global fits, {model}, {threads} threads", values, "/s", 0, speed[model, 1], [a / b for a, b in zip(values, speed[model, 1])])
        milliseconds = [line["plate_ms"] for line in plate]
        self.table.add("384 wells: normalised, judged, 75 curves", milliseconds, "ms", 1, aim="≤ 50 ms", met=statistics.median(milliseconds) <= 50)
        drawn = [line["bootstrap_s"] for line in plate]
        self.table.add("75 curves, 499 bootstrap draws each", drawn, "s", 2, aim="≤ 5 s", met=statistics.median(drawn) <= 5)
        plates = 200 if self.quick else 10_000
        with tempfile.TemporaryDirectory(prefix="marrowlink-bench-", dir=os.environ.get("TMPDIR")) as directory:
            for line in run_json(BIN / "bench_analysis", "recompute", plates, directory):
                self.table.add(f"{plates:,} plates of 96 wells evaluated for the first time", [line["first_s"]], "s", 1)
                self.table.add("... and again, from their records", [line["again_s"]], "s", 1, aim="≤ 120 s", met=line["again_s"] <= 120)
        for line in run_json(BIN / "bench_analysis", "coverage", 100 if self.quick else 2000):
            held = 100 * line["held"]
            aim = {"aim": "92.5 to 97.5 %", "met": 92.5 <= held <= 97.5} if line["replicates"] > 1 else {}
            self.table.add(f"95 % intervals of DSS2 that hold the truth, {line['doses']} doses x {line['replicates']}, {line['curves']} curves", [held], "%", 1, **aim)

    def verdict(self):
        """A plate's file to its verdict, with twelve instruments."""
        measure_verdict(self)

    def taken_s(self, count):
        """Seconds from the gateway's start until `count` exports that lie in its folder are durable in its outbox."""
        with World(prefix="marrowlink-bench-") as world:
            drop = world.path("drop")
            drop.mkdir()
            for number in range(count):
                (drop / f"plate-{number:05}.txt").write_bytes(exports.gen5(number, f"PLATE-{number:05}"))
            gateway = world.gateway(EXPORTS.format(path=drop))
            began = time.monotonic()
            gateway.start()
            wait_until(lambda: world.status()["backlog"]["records"] >= 3 * count, 600, f"{count} exports to be taken")
            return time.monotonic() - began, memory_mib(gateway.child.pid, "VmHWM")

    def files(self):
        """Parsing on one core: text exports, FCS beside memcpy, and a folder of exports from names to readings."""
        count = 500 if self.quick else 10_000
        text, events, folders = {}, {}, []
        for _ in range(self.rounds):
            with tempfile.TemporaryDirectory(prefix="marrowlink-bench-", dir=os.environ.get("TMPDIR")) as directory:
                for line in run_json(BIN / "bench_files", 0.1 if self.quick else 0.5, directory, count):
                    if line["what"] == "text":
                        text.setdefault((line["format"], line["bytes"]), []).append(line)
                    elif line["what"] == "fcs":
                        events.setdefault(line["type"], []).append(line)
                    else:
                        folders.append(line)
        for (name, size), lines in text.items():
            self.table.add(f"text, {name}, {size:,} bytes a file", [line["mb_per_s"] for line in lines], "MB/s", 1)
        for kind, what in (("F", "floats"), ("I", "masked integers")):
            lines = events[kind]
            self.table.add(f"FCS, {what}, {lines[0]['bytes'] / 1e6:,.0f} MB", [line["mb_per_s"] for line in lines], "MB/s", 0,
                           [line["memcpy_mb_per_s"] for line in lines], [line["mb_per_s"] / line["memcpy_mb_per_s"] for line in lines])
        self.table.add(f"folder of {count:,} exports, {folders[0]['readings']:,} readings", [line["seconds"] for line in folders], "s", 2)
        self.table.add("the same, as a rate", [line["files_per_s"] for line in folders], "files/s")
        taken, memory = self.taken_s(count)
        self.table.add(f"{count:,} exports taken by a gateway, each durable, from its start", [taken], "s", 1, aim="≤ 60 s", met=taken <= 60)
        self.table.add("... the gateway's RSS at most", [memory], "MiB", 1)


def main():
    words = sys.argv[1:]
    unknown = [word for word in words if word not in (*PARTS, "quick")]
    if unknown:
        print(f"bench: no part \"{unknown[0]}\"; there are: {' '.join(PARTS)}, and quick", file=sys.stderr)
        return 64
    bench = Bench("quick" in words)
    began = time.monotonic()
    try:
        for part in [word for word in PARTS if word in words] or PARTS:
            say(f"== {part}: {getattr(bench, part).__doc__.splitlines()[0]} Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
            getattr(bench, part)()
    except (RuntimeError, TimeoutError) as problem:
        say(f"bench: {problem}")
        return 70
    finally:
        if bench.filled:
            shutil.rmtree(bench.filled, ignore_errors=True)
    say("")
    bench.table.print()
    say(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
