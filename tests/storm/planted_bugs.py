#!/usr/bin/env python3
"""Plants one bug after the other in a copy of the source and lets the storms look for it; what they do not find, the tests must.

usage: planted_bugs.py [--only NAME…] [--seeds A..B] [--work FOLDER] [--write]

The copy holds what is committed. --write puts the table into docs/planted-bugs.md. Exit 0 when every bug was found.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# name, what it stands for, file, what is written there, what is put in its place, where else to look when no storm finds it
BUGS = [
    ("acknowledge-before-commit", "an instrument may forget before the commit", "gateway/instrument.cpp",
     "        auto const kept = co_await store(std::move(append));  // durable from here on\n        if (!kept) co_return fail(kept.error());\n"
     "        auto const told = co_await driver.acknowledge(batch->receipt);  // only now may the instrument forget\n"
     "        if (!told) co_return fail(told.error());\n",
     "        auto const told = co_await driver.acknowledge(batch->receipt);\n        if (!told) co_return fail(told.error());\n"
     "        auto const kept = co_await store(std::move(append));\n        if (!kept) co_return fail(kept.error());\n", ["gateway"]),
    ("confirm-by-count", "an acknowledgement confirms everything that was sent, not what it names", "gateway/forwarder_acknowledge.cpp",
     "    lane.floor = through;\n    lane.source->confirm(through);", "    lane.floor = std::max(through, lane.highest_sent);\n    lane.source->confirm(lane.floor);",
     ["gateway"]),
    ("skip-fsync", "a commit does not wait for the disk", "gateway/outbox_store.cpp", "PRAGMA synchronous=FULL", "PRAGMA synchronous=OFF", ["gateway"]),
    ("drop-when-full", "what a full disk refuses counts as stored", "gateway/outbox.cpp",
     "        if (passes(result.error().fault)) return retry_later(result.error());",
     "        if (passes(result.error().fault)) return finish(*commit, {});", ["gateway"]),
    ("reuse-seq-after-restart", "after a restart seq goes on behind what central has acknowledged", "gateway/outbox_store.cpp",
     "    position_.appended = empty ? pruned : as_uint(ends->integer(1));",
     "    position_.appended = empty ? pruned : position_.acknowledged;", ["gateway"]),
    ("trust-puback", "the broker's PUBACK confirms a record", "gateway/forwarder.cpp",
     "    progress();\n    pump();\n}\n\nvoid Forwarder::on_messages",
     "    if (flight.lane->source) confirm(*flight.lane, flight.seq);\n    progress();\n    pump();\n}\n\nvoid Forwarder::on_messages", ["gateway"]),
    ("delete-while-unsent", "pruning does not ask what central has", "gateway/outbox_store.cpp",
     "std::min(position_.acknowledged, first + batch - 1)", "std::min(position_.appended, first + batch - 1)", ["gateway"]),
    ("chain-not-checked", "central stores whatever comes next", "central/ledger.cpp",
     "    if (previous && chain_next(", "    if (false && previous && chain_next(", ["central"]),
    ("ignore-receive-maximum", "more publishes without PUBACK than the broker allows", "gateway/forwarder.cpp",
     "        if (flights_.size() >= receive_maximum_) return false;\n", "", ["gateway"]),
    ("retry-without-backoff", "the broker is tried again at once, for ever", "gateway/forwarder_connect.cpp",
     "    auto const wait = backoff_ / 2 + backoff_ * dice / 510;", "    auto const wait = backoff_ * 0 + backoff_ * 0 * dice;", ["gateway"]),
    ("wall-clock-for-order", "records are read in the order of their times", "gateway/outbox_store.cpp",
     "FROM record WHERE seq>=? ORDER BY seq LIMIT ?", "FROM record WHERE seq>=? ORDER BY appended_ms LIMIT ?", ["gateway"]),
    ("sync-failure-forgotten", "after a failed sync the next commit is trusted", "io/sqlite.cpp",
     "    if (settled_) return {};\n", "    return {};\n", ["gateway"]),
    ("central-acknowledges-before-commit", "central's word does not wait for its commit", "central/intake.cpp",
     "    if (auto const done = transaction->commit(); !done) return fail(done.error());", "    (void)transaction->commit();", ["central"]),
    ("fork-ignored", "a gateway whose outbox was restored goes on under ids that central knows otherwise", "gateway/gateway.cpp",
     "    if (stream != outbox_->stream() || forwarder_->status().forgotten > 0) return;", "    if (!stream.empty()) return;", ["gateway"]),
    ("journal-skipped", "bytes of an instrument that cannot repeat itself are parsed before they are durable", "gateway/journal.cpp",
     "    auto const kept = co_await outbox_.append(std::move(append));\n    if (!kept) co_return fail(kept.error());\n", "", ["gateway"]),
    ("reader-cleared-before-commit", "a plate reader is told to forget before the commit", "drivers/spectramax/driver.cpp",
     "Task<Result<Batch>> SpectraMax::next() {\n    auto batch = co_await serve();\n",
     "Task<Result<Batch>> SpectraMax::next() {\n    auto batch = co_await serve();\n    if (batch && !pending_.sha256.empty()) (void)co_await ask(\"!CLEAR DATA\");\n",
     ["drivers_spectramax"]),
    ("doubled-by-reconnect", "a line that is said again is another line", "drivers/line/driver.cpp",
     "usable_key(given) ? std::string{given} : repeats", "usable_key(given) ? std::string{given} + std::to_string(place) : repeats", ["drivers_line"]),
    ("stall-not-noticed", "a link that takes everything and answers nothing is kept for ever", "gateway/forwarder.hpp",
     "    std::chrono::milliseconds stall{30'000};", "    std::chrono::milliseconds stall{300'000'000};", ["gateway"]),
    ("half-written-file", "a file is taken before it has settled and whether or not its end is there", "drivers/folder/driver.cpp",
     "std::max(known.changed + options_.settle, known.not_before)", "std::max(known.changed, known.not_before)", ["drivers_folder"]),
    ("forgotten-stays-forgotten", "a centre restored from a backup is not sent again what it forgot", "gateway/forwarder_acknowledge.cpp",
     "    if (!retained && through < lane.floor) {", "    if (false) {", ["gateway"]),
    ("adapter-acknowledges-before-write", "the adapter says ACK to an instrument before the slot is in its log", "firmware/adapter.cpp",
     "    if (!refused && !keep(slot, payload)) {\n", "    if (answer == astm::ack) instrument_.send(Bytes(&answer, 1));\n"
     "    if (!refused && !keep(slot, payload)) {\n", ["firmware"]),
    ("adapter-freed-when-read", "the adapter frees a slot when it was read, before it is acknowledged", "firmware/registers.cpp",
     "    window_[at::bytes] = static_cast<std::uint16_t>(shown);\n",
     "    window_[at::bytes] = static_cast<std::uint16_t>(shown);\n    log_.free(cursor_ + shown);\n", ["firmware"]),
    ("adapter-sequence-reused", "the adapter's log numbers its slots from the beginning after a reset", "firmware/slot_log.cpp",
     "    next_sequence_ = state_.sequence;", "    next_sequence_ = 0;", ["firmware"]),
    ("queue-advanced-unseen", "a device that keeps a queue is told to go on without a look at which result it shows", "drivers/modbus/driver.cpp",
     "if (none_waits || *key != committed) co_return Result<void>{};", "if (none_waits) co_return Result<void>{};", ["drivers_modbus"]),
    ("queue-advanced-before-commit", "a device that keeps a queue is told to go on when its result was read", "drivers/modbus/driver.cpp",
     "        pending_.key = key;\n        co_return std::optional<Batch>{std::move(batch)};",
     "        pending_.key = key;\n        (void)co_await advance(key);\n        co_return std::optional<Batch>{std::move(batch)};",
     ["drivers_modbus"]),
]


def run(command, cwd, seconds, log):
    began = time.monotonic()
    try:
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds)
        code, text = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        code, text = "timeout", (late.stdout or b"").decode(errors="replace") if isinstance(late.stdout, bytes) else late.stdout or ""
    log.write(f"$ {' '.join(map(str, command))}\n{text}\n-> {code} after {time.monotonic() - began:.0f} s\n")
    log.flush()
    return code, text


class Copy:
    def __init__(self, folder):
        self.folder = folder
        self.build = folder / "build" / "planted"
        self.log = None

    def refresh(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = open(self.folder / "log.txt", "w")
        # Only what differs is touched, so that the build starts from the last one.
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
        for name in filter(None, listed):
            committed = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
            target = self.folder / name
            if not target.is_file() or target.read_bytes() != committed:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(committed)
                target.chmod((ROOT / name).stat().st_mode & 0o777)
        code, _ = run(["cmake", "-S", ".", "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -g0 -w"],
                      self.folder, 300, self.log)
        if code != 0:
            sys.exit(f"planted_bugs: the copy in {self.folder} cannot be configured; see log.txt there")

    def compile(self, *targets):
        return run(["cmake", "--build", self.build, "--target", *targets], self.folder, 3600, self.log)


def look_for(copy, bug, seeds):
    name, _, file, old, new, tests = bug
    path = copy.folder / file
    good = path.read_text()
    if old not in good:
        return "cannot be planted: the code has changed", ""
    path.write_text(good.replace(old, new))
    try:
        code, text = copy.compile("storm")
        if code != 0:
            return "does not compile", ""
        code, text = run([copy.build / "bin" / "storm", "--jobs", "2", "--first", "--seeds", seeds], copy.folder, 900, copy.log)
        if code != 0:
            seed = re.search(r"^seed (\d+) does not balance", text, re.M)
            what = re.search(r"^What is wrong:\n  (.*)", text, re.M)
            return (f"storm {seed.group(1)}" if seed else "storm (a program ended or hung)"), (what.group(1) if what else "")
        for test in tests:
            code, text = copy.compile(f"test_{test}")
            if code != 0:
                return "does not compile", ""
            code, text = run([copy.build / "bin" / f"test_{test}"], copy.folder, 600, copy.log)
            if code != 0:
                case = re.search(r"-{79}\n((?:.+\n)+?)-{79}", text)
                return f"test_{test}", " ".join(case.group(1).split()) if case else "it ended or hung"
        return "NOT FOUND", ""
    finally:
        path.write_text(good)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seeds", default="1..500")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "planted")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    copy = Copy(options.work)
    copy.refresh()
    rows, missed = [], 0
    for bug in BUGS:
        if options.only and bug[0] not in options.only:
            continue
        began = time.monotonic()
        found, how = look_for(copy, bug, options.seeds)
        lost = not found.startswith(("storm", "test_"))
        missed += lost
        how = re.sub(r"[0-9a-f]{16,}", "…", how)
        print(f"{bug[0]:36} {found:28} {time.monotonic() - began:5.0f} s  {how[:120]}", flush=True)
        rows.append(f"| `{bug[0]}` | {bug[1]} | {found} | {how[:160].replace('|', '/')} |")
    if options.write and not options.only and not missed:
        table = "\n".join(rows)
        (ROOT / "docs" / "planted-bugs.md").write_text(
            "# Planted bugs\n\nEach was put into a copy of the source; storms "
            f"{options.seeds} looked for it, and where none of them failed, the tests. `python3 tests/storm/planted_bugs.py --write` makes this table.\n\n"
            "| bug | what it stands for | found by | as |\n|---|---|---|---|\n" + table + "\n")
    print(f"{len(rows)} bugs planted, {missed} not found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
