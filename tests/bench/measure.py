"""What the parts of bench.py share: the table, percentiles, and what /proc and this disk say. Importing it makes tests/system importable."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

MIB = 1 << 20


def say(text):
    print(text, flush=True)


def told(values, digits):
    """median [min..max]"""
    text = f"{statistics.median(values):,.{digits}f}"
    return text if len(values) == 1 else f"{text} [{min(values):,.{digits}f}..{max(values):,.{digits}f}]"


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, values, unit="", digits=0, limit=None, ratio=None, aim="", met=None):
        self.rows.append((what, f"{told(values, digits)} {unit}".strip(), told(limit, digits) if limit else "", told(ratio, 2) if ratio else "", aim,
                          "" if met is None else "met" if met else "MISSED"))
        say("  " + "  ".join(part for part in self.rows[-1] if part))

    def print(self):
        head = ("figure", "median [min..max]", "limit", "ratio", "aim", "")
        widths = [max(len(row[i]) for row in [head, *self.rows]) for i in range(len(head))]
        for row in (head, tuple("-" * width for width in widths), *self.rows):
            say("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def fdatasync_ms(directory, count):
    """What one durable 4 KiB write costs here and now, in order of size."""
    block, took = b"x" * 4096, []
    path = pathlib.Path(directory) / "fdatasync"
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    for _ in range(count):
        began = time.perf_counter()
        os.write(fd, block)
        os.fdatasync(fd)
        took.append((time.perf_counter() - began) * 1e3)
    os.close(fd)
    path.unlink()
    return sorted(took)


def share(ordered, part):
    return ordered[int(part * (len(ordered) - 1))]


def cpu_s(pid):
    """Of all threads, to the nanosecond; the ticks of /proc/PID/stat are too coarse for an idle program."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e9


def memory_mib(pid, field):
    line = next(line for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024 / MIB


def run_json(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{pathlib.Path(command[0]).name} {command[1]}: exit {done.returncode}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]
