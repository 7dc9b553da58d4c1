"""How long a plate's verdict takes: from the moment its export file is closed to the gateway's page, with twelve instruments at work."""

import json
import random
import subprocess
import threading
import time
import urllib.request

from measure import say, share
import exports  # measure made it importable
from world import BIN, World

INSTRUMENTS = 12
SETTLE_S = 0.1  # the least that the configuration takes; by default a file must be still for 5 s, which come on top
FOLDER = """
[[instrument]]
id = "reader-{number}"
driver = "folder"
path = "{path}"
settle_s = {settle}
poll_s = 1
"""


def watch(url, seen, stop):
    """Notes when each plate's verdict comes with the page's own events."""
    plates = {}
    with urllib.request.urlopen(url, timeout=10) as events:
        for line in events:
            if stop.is_set():
                return
            if not line.startswith(b"data:"):
                continue
            now = time.monotonic()
            for run in json.loads(line[5:]).get("runs", []):
                plates.setdefault(run["run"], run.get("plate"))
                if run.get("plate_quality"):
                    seen.setdefault(run.get("plate") or plates[run["run"]], now)


def verdicts_s(plates, pause_s):
    """Seconds from file closed to verdict, of each plate; files come at random moments, each to the next instrument."""
    dice = random.Random(7)
    with World(prefix="marrowlink-bench-") as world:
        folders = [world.path(f"drop-{number}") for number in range(INSTRUMENTS)]
        for folder in folders:
            folder.mkdir()
        world.broker().start()
        world.central().start()
        barcodes = [f"ALL-P{number:04}" for number in range(plates)]
        for barcode in barcodes:
            for kind, text in (("layout", exports.screen_layout()), ("sample", exports.screen_sample("ALL-0042", "diagnosis"))):
                path = world.path(f"{kind}.csv")
                path.write_text(text)
                subprocess.run([BIN / "marrowlink-central", kind, "add", path, "--barcode", barcode, "--database", world.database], check=True, capture_output=True)
        world.gateway("".join(FOLDER.format(number=number, path=folder, settle=SETTLE_S) for number, folder in enumerate(folders))).start()
        seen, closed, stop = {}, {}, threading.Event()
        watcher = threading.Thread(target=watch, args=(f"http://127.0.0.1:{world.gateway_port}/api/events", seen, stop), daemon=True)
        watcher.start()
        time.sleep(2)
        signal = exports.screen({"dasatinib": 30, "venetoclax": 200, "cytarabine": 150, "idasanutlin": 1e8})
        for number, barcode in enumerate(barcodes):
            time.sleep(dice.expovariate(1 / pause_s))
            with open(folders[number % INSTRUMENTS] / f"{barcode}.txt", "wb") as file:
                file.write(exports.gen5(number, barcode, signal))
            closed[barcode] = time.monotonic()
        end = time.monotonic() + 30
        while len(seen) < plates and time.monotonic() < end:
            time.sleep(0.05)
        stop.set()
        if missing := sorted(set(closed) - set(seen)):
            raise RuntimeError(f"no verdict came of {len(missing)} plates: {missing[:5]}")
        return sorted(seen[barcode] - at for barcode, at in closed.items())


def measure_verdict(bench):
    plates = 24 if bench.quick else 240
    took = verdicts_s(plates, 0.25)
    say(f"{plates} plates on {INSTRUMENTS} instruments, settle time {SETTLE_S} s: slowest {max(took):.2f} s")
    bench.table.add("plate's file closed to verdict on the gateway's page, p50", [share(took, 0.5)], "s", 2, aim="≤ 0.5 s", met=share(took, 0.5) <= 0.5)
    bench.table.add("... p99", [share(took, 0.99)], "s", 2, aim="≤ 2 s", met=share(took, 0.99) <= 2)
