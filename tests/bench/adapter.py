"""An adapter and its wire, for bench.py: the adapter's own program in QEMU, its bus carried at the pace of 115,200 baud by bench_adapter."""

import contextlib
import json
import math
import sqlite3
import statistics
import time

from measure import cpu_s, run_json, share
from qemu import ELF, Adapter
from world import BIN, Process, World, free_port, listening, wait_until

PROGRAM = BIN / "bench_adapter"
CHARACTER_S = 11 / 115_200  # start, 8 bits, parity, stop
SILENCE_S = 0.00175  # 3.5 characters; above 19,200 baud the standard says 1.75 ms whatever the rate (Serial Line V1.02, 2.5.1.1)
READ_REGISTERS, REQUEST_BYTES, ANSWER_BYTES = 125, 8, 5 + 250
POLL_MS = 50
ADAPTERS, CPU_POLL_MS = 30, 100
INSTRUMENT = """
[[instrument]]
id = "{name}"
driver = "line"
key_field = 1
adapter = {{ {place}, unit = {unit}, poll_ms = {poll_ms} }}
"""


def trip_s(request, answer):
    """Of one question on the wire: both frames, and the silence before each."""
    return (request + answer) * CHARACTER_S + 2 * SILENCE_S


WIRE_LIMIT = 2 * READ_REGISTERS / trip_s(REQUEST_BYTES, ANSWER_BYTES)  # bytes/s that reads of 125 registers can carry


def report(process):
    """What bench_adapter says when it is stopped."""
    process.stop()
    return json.loads(process.tail(1))


class Wire(Process):
    """An adapter's bus as a serial port, with the delays that 115,200 baud have."""

    def __init__(self, directory, bus):
        self.port = directory / "wire"
        super().__init__("wire", [PROGRAM, "wire", bus, self.port], directory / "wire.log", ready=self.port.is_symlink)


class Records:
    """What the gateway has committed, looked up in its database: the moment of a commit is then known to a millisecond."""

    def __init__(self, world):
        self.database = sqlite3.connect(f"file:{next(world.outbox.glob('*.outbox'))}?mode=ro", uri=True)

    def count(self):
        return self.database.execute("SELECT count(*) FROM record WHERE type='run.readings'").fetchone()[0]

    def last(self):
        return self.database.execute("SELECT ifnull(max(seq),0) FROM record").fetchone()[0]

    def close(self):
        self.database.close()


def line_of(number, size):
    return f"{number:08} ".encode().ljust(size - 1, b"x") + b"\n"


@contextlib.contextmanager
def emulated(poll_ms=None):
    """An adapter in QEMU; with `poll_ms` also a gateway behind the wire, that has connected."""
    with World(prefix="marrowlink-bench-") as world:
        adapter = Adapter(world.directory)
        wire = Wire(world.directory, adapter.bus)
        try:
            adapter.start()
            if poll_ms:
                adapter.disconnect()
                wire.start()
                gateway_behind(world, wire, poll_ms)
                wait_serving(world, 1)
            yield world, adapter, wire
        finally:
            for process in world.processes:
                process.stop()
            wire.stop()
            adapter.stop()


def gateway_behind(world, wire, poll_ms):
    place = f'port = "{wire.port}", parity = "none"'
    return world.gateway(INSTRUMENT.format(name="source", place=place, unit=1, poll_ms=poll_ms)).start()


def wait_serving(world, count):
    wait_until(lambda: [card["state"] for card in world.status()["instruments"]] == ["idle"] * count, 60, f"{count} adapters to be served")


def measure_adapter(bench):
    if not ELF.exists():
        raise RuntimeError(f"{ELF} is not there; it is made by: cmake --preset firmware && cmake --build --preset firmware")
    measure_trips(bench)
    measure_throughput(bench)
    measure_lateness(bench)
    measure_cpu(bench)


def measure_trips(bench):
    seconds, places = (0.3 if bench.quick else 1), {}

    def trips(place, port):
        for line in run_json(PROGRAM, "trips", port, seconds):
            places.setdefault((place, line["registers"]), []).append(line)

    for _ in range(bench.rounds):
        with World(prefix="marrowlink-bench-") as world:
            port = world.path("port")
            world.add("adapter", [PROGRAM, "serve", port], port.is_symlink).start()
            trips("pseudo-terminal", port)
        with emulated() as (_, adapter, wire):
            trips("QEMU", adapter.port)
            adapter.disconnect()
            wire.start()
            trips("QEMU, 115,200 baud", wire.port)
    for (place, registers), lines in places.items():
        what = f"{place}: reads of {registers}"
        ours, plain = [line["bus_per_s"] for line in lines], [line["plain_per_s"] for line in lines]
        bench.table.add(f"{what}, our bus beside libmodbus alone", ours, "/s", 0, plain, [a / b for a, b in zip(ours, plain)])
        if "baud" in place:
            computed = 1 / trip_s(REQUEST_BYTES, 5 + 2 * registers)
            bench.table.add(f"{what}, our bus beside what the wire allows", ours, "/s", 0, [computed], [rate / computed for rate in ours])
        for name in ("p50", "p99"):
            ours, plain = [line[f"bus_{name}_ms"] for line in lines], [line[f"plain_{name}_ms"] for line in lines]
            bench.table.add(f"{what}, {name}", ours, "ms", 2, plain, [a / b for a, b in zip(ours, plain)])


def fill(instrument, first, count, size):
    """Slower than a real line at its fastest: the adapter in QEMU writes each slot into a file."""
    pause = max(1, 1_024 // size)
    for number in range(first, first + count):
        instrument.sendall(line_of(number, size))
        if number % pause == 0:
            time.sleep(0.06)
    time.sleep(0.3)


def drained(world, records, before, count, size):
    """Bytes of the instrument per second, from the first commit to the last."""
    first = None

    def all_here():
        nonlocal first
        seen = records.count() - before
        if seen and not first:
            first = (time.monotonic(), seen)
        time.sleep(0.005)
        return seen >= count

    wait_until(all_here, 60, f"{count} lines of {size} bytes to arrive")
    return (count - first[1]) * size / (time.monotonic() - first[0])


def measure_throughput(bench):
    """What an adapter has kept while its gateway was away, with the gateway back."""
    budget = 6 << 10 if bench.quick else 24 << 10
    rates = [{size: [] for size in (1_024, 256, 64)} for _ in range(2)]
    late = drain_emulated(bench, budget, rates[0])
    for _ in range(1 if bench.quick else bench.rounds):
        for size, into in rates[1].items():
            into.append(drain_host(budget // size, size))
    for place, some in zip(("QEMU, its memory a file", "the firmware's logic on this machine"), rates):
        for size, into in some.items():
            ratio = [rate / WIRE_LIMIT for rate in into]
            bench.table.add(f"115,200 baud: backlog in lines of {size:,} bytes, {place}", into, "bytes/s", 0, [WIRE_LIMIT], ratio, "ratio ≥ 0.85",
                            statistics.median(ratio) >= 0.85)
    for name in ("p50", "p99"):
        bench.table.add(f"the wire: a character later than it should be, {name}", [late[f"late_{name}_us"]], "µs", 0)


def drain_host(count, size):
    with World(prefix="marrowlink-bench-") as world:
        port = world.path("port")
        world.add("adapter", [PROGRAM, "keep", port, count, size], port.is_symlink).start()
        wire = Wire(world.directory, port)
        world.processes.append(wire.start())
        gateway_behind(world, wire, POLL_MS)
        records = Records(world)
        rate = drained(world, records, 0, count, size)
        records.close()
        return rate


def drain_emulated(bench, budget, rates):
    number = 0
    with emulated(POLL_MS) as (world, adapter, wire):
        gateway, records, instrument = world.processes[-1], Records(world), adapter.open_instrument()
        for _ in range(bench.rounds):
            for size, into in rates.items():
                count, before = budget // size, records.count()
                gateway.stop()
                fill(instrument, number, count, size)
                number += count
                gateway.start()
                into.append(drained(world, records, before, count, size))
        instrument.close()
        records.close()
        gateway.stop()
        return report(wire)


def measure_lateness(bench):
    """From the last byte of a line of 40 until the gateway has committed it."""
    p50, p99, idle, poll = [], [], [], POLL_MS
    with emulated(poll) as (world, adapter, _):
        gateway, records, instrument = world.processes[-1], Records(world), adapter.open_instrument()
        number = 0
        for _ in range(bench.rounds):
            idle.append(cpu_percent(gateway, 2 if bench.quick else 5))
            took = []
            for _ in range(15 if bench.quick else 60):
                before = records.last()
                instrument.sendall(line_of(number, 40))
                sent = time.monotonic()
                while records.last() == before:
                    if time.monotonic() > sent + 5:
                        raise TimeoutError("a line was not committed within 5 s")
                    time.sleep(0.0005)
                took.append((time.monotonic() - sent) * 1e3)
                number += 1
                time.sleep(0.02 + 0.08 * math.modf(number * 0.6180339887)[0])  # all places between two polls are met alike
            took.sort()
            p50.append(share(took, 0.5))
            p99.append(share(took, 0.99))
        instrument.close()
        records.close()
    for name, took in (("p50", p50), ("p99", p99)):
        bench.table.add(f"115,200 baud: last byte to commit, {name}", took, "ms", 1, [poll], [ms / poll for ms in took], f"≤ 3 polls of {poll} ms",
                        statistics.median(took) <= 3 * poll)
    bench.table.add(f"115,200 baud: gateway's CPU, one idle adapter every {poll} ms", idle, "%", 2)


def cpu_percent(process, seconds):
    before, began = cpu_s(process.child.pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(process.child.pid) - before) / (time.monotonic() - began) * 100


def measure_cpu(bench):
    """Thirty idle adapters."""
    places = {
        "a serial port each": lambda links, tcp: [(f'port = "{link}", parity = "none"', 1) for link in links],
        "one Modbus TCP": lambda links, tcp: [(f'connect = "127.0.0.1:{tcp}"', unit + 1) for unit in range(ADAPTERS)],
    }
    for name, place in places.items():
        with World(prefix="marrowlink-bench-") as world:
            links, tcp = [world.path(f"port-{n}") for n in range(ADAPTERS)], free_port()
            if "TCP" in name:
                adapters = world.add("adapters", [PROGRAM, "serve-tcp", tcp, ADAPTERS], listening(tcp)).start()
            else:
                adapters = world.add("adapters", [PROGRAM, "serve", *links], links[-1].is_symlink).start()
            world.broker().start()
            world.central().start()
            instruments = "".join(INSTRUMENT.format(name=f"source{n}", place=text, unit=unit, poll_ms=CPU_POLL_MS)
                                  for n, (text, unit) in enumerate(place(links, tcp)))
            gateway = world.gateway(instruments).start()
            wait_serving(world, ADAPTERS)
            time.sleep(1 if bench.quick else 5)
            cpu = [cpu_percent(gateway, 4 if bench.quick else 20) for _ in range(1 if bench.quick else 3)]
            gateway.stop()
            asked = report(adapters)["per_s"]
        bench.table.add(f"gateway's CPU, {ADAPTERS} idle adapters every {CPU_POLL_MS} ms, {name}", cpu, "%", 1, aim="≤ 10 % of a core",
                        met=statistics.median(cpu) <= 10)
        bench.table.add("… asked together", [asked], "/s", 0, [ADAPTERS * 1_000 / CPU_POLL_MS], [asked * CPU_POLL_MS / 1_000 / ADAPTERS])
