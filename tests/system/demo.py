#!/usr/bin/env python3
"""The demonstration: a broker, the centre and a gateway on this machine, with a folder of export files and a simulated plate reader, which is behind an
adapter (its own program, in QEMU) where that is built.

usage: demo.py [--once] [--keep]

Two plates of one invented subject, at diagnosis and at relapse, come through the folder; the centre says which drugs gained and lost effect, and writes a
bundle that is checked offline.
Without options it runs until Ctrl-C. With --once it plays a fixed scenario with one broker outage, one SIGKILL of the gateway and three of the adapter,
prints the ledger, and exits 0 only when it balances. --keep leaves what it made."""

import argparse
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time

import exports
from judge import Judge
from qemu import ELF, Adapter
from world import BIN, Process, World, get_json, wait_until

SUBJECT = "ALL-0042"
HALF_NM = {  # of each drug's effect, and what is made to become of it
    "diagnosis": {"dasatinib": 8, "venetoclax": 2000, "cytarabine": 150, "idasanutlin": 1e8},
    "relapse": {"dasatinib": 2500, "venetoclax": 15, "cytarabine": 160, "idasanutlin": 1e8},
}
CALLS = {"dasatinib": "lost effect", "venetoclax": "gained effect", "cytarabine": "no change that could be seen", "idasanutlin": "no change that could be seen"}

INSTRUMENTS = """
[[instrument]]
id = "reader-1"
title = "SpectraMax plate reader (simulated)"
driver = "spectramax"
{line}
poll_ms = 200
silent_after_s = 10

[[instrument]]
id = "exports"
title = "Export folder: Gen5 and cytometer"
driver = "folder"
path = "{drop}"
settle_s = 0.3
poll_s = 0.2
"""


def say(text):
    print(text, flush=True)


class Demo:
    def __init__(self, keep, read_seconds):
        self.world = World(keep=keep, prefix="marrowlink-demo-")
        self.drop = self.world.path("drop")
        self.drop.mkdir()
        self.log = self.world.path("dropped.jsonl")
        self.reader_log = self.world.path("reader.jsonl")
        port = self.world.path("reader-port")
        self.broker = self.world.broker()
        self.central = self.world.central()
        self.reader = self.world.add("reader", [BIN / "marrowlink-gateway", "simulate", "spectramax", "--link", port, "--read-seconds", read_seconds,
                                                "--log", self.reader_log], port.is_symlink)
        self.adapter = Adapter(self.world.path(".")) if ELF.exists() and shutil.which("qemu-system-arm") else None
        if self.adapter:
            self.line = Process("line", ["socat", f"{port},raw,echo=0", f"unix-connect:{self.adapter.instrument}"], self.world.path("line.log"))
        line = f'adapter = {{ port = "{self.adapter.port}", parity = "none", unit = 1 }}' if self.adapter else f'port = "{port}"'
        self.gateway = self.world.gateway(INSTRUMENTS.format(line=line, drop=self.drop))
        self.plates = 0
        self.files = 0

    def start(self):
        for process in (self.broker, self.central, self.reader):
            process.start()
        self.power_adapter()
        self.gateway.start()
        say(f"gateway page   http://127.0.0.1:{self.world.gateway_port}/")
        say(f"centre page    http://127.0.0.1:{self.world.central_port}/")
        say("adapter        " + ("its own program, in QEMU, between reader-1 and the gateway" if self.adapter else
                                 "not shown, reader-1 is on a serial port; ./dev build brings the adapter's program and QEMU"))
        say(f"export folder  {self.drop}")

    def stop(self):
        try:
            if self.adapter and self.line.running():
                self.line.kill()
            self.world.stop()
        finally:
            if self.adapter:
                self.adapter.stop()

    def power_adapter(self):
        if not self.adapter:
            return
        self.adapter.start()
        self.line.start()

    def cut_adapter(self):
        if not self.adapter:
            return
        say("— the adapter loses its power for a moment")
        self.adapter.kill()
        self.line.kill()
        self.power_adapter()

    def measure(self):
        """Starts a plate on the reader as soon as it is free."""
        plate = f"ALARM3-{self.plates + 1:04}"

        def begun():
            try:
                return self.world.start_run("reader-1", plate)
            except RuntimeError as not_now:
                self.why = str(not_now)
                return None

        try:
            wait_until(begun, 30, f"plate {plate} to start")
        except TimeoutError as late:
            raise TimeoutError(f"{late}; the last answer was: {self.why}") from None
        self.plates += 1
        say(f"measuring      plate {plate} on reader-1")

    def drop_file(self):
        number = self.files + 1
        if number % 2:
            self.export(f"screen_{number:03}.txt", exports.gen5(number, f"PLATE-{number:03}"))
        else:
            self.export(f"tube_{number:03}.fcs", exports.fcs(number))

    def export(self, name, content):
        """What vendor software does: writes the file piece by piece."""
        self.files += 1
        path = self.drop / name
        with open(path, "wb") as out:
            for at in range(0, len(content), 16384):
                out.write(content[at:at + 16384])
                out.flush()
        with open(self.log, "a") as log:
            log.write(json.dumps({"file": "exports", "sha256": hashlib.sha256(content).hexdigest(), "path": str(path)}) + "\n")
        say(f"dropped        {name}, {len(content)} bytes")

    def annotate(self, kind, barcode, text):
        path = self.world.path(f"{kind}-{barcode}.csv")
        path.write_text(text)
        done = subprocess.run([BIN / "marrowlink-central", kind, "add", path, "--barcode", barcode, "--database", self.world.database],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        say(f"given          {done.stdout.strip()}")

    def screen(self):
        """Diagnosis and relapse of one subject, through the chain; returns what the centre says of each drug."""
        say(f"— {SUBJECT}, an invented subject: the plates of diagnosis and relapse")
        plates = {timepoint: f"{SUBJECT}-{timepoint[0].upper()}1" for timepoint in HALF_NM}
        for timepoint, barcode in plates.items():
            self.annotate("layout", barcode, exports.screen_layout())
            self.annotate("sample", barcode, exports.screen_sample(SUBJECT, timepoint))
            self.export(f"export_{barcode}.txt", exports.gen5(self.files + 1, barcode, exports.screen(HALF_NM[timepoint])))
        began = time.monotonic()

        def verdicts():
            runs = {run.get("plate"): run for run in self.world.status()["runs"]}
            found = {barcode: runs[barcode].get("plate_quality") for barcode in plates.values() if barcode in runs}
            return found if len(found) == len(plates) and all(found.values()) else None

        for barcode, quality in wait_until(verdicts, 30, "the plates' verdicts on the gateway's page").items():
            say(f"verdict        plate {barcode}: {quality['verdict']} {quality['reason']}")
        say(f"               on the gateway's page {time.monotonic() - began:.1f} s after the last file")
        centre = f"http://127.0.0.1:{self.world.central_port}"
        compared = get_json(f"{centre}/api/subject?id={SUBJECT}")
        for drug in compared["drugs"]:
            interval = f"({drug['lo95']:+.1f} to {drug['hi95']:+.1f})" if "lo95" in drug else "(no interval: a score is 0)"
            change = f"{drug['delta']:+.1f} {interval}" if "delta" in drug else drug["not_comparable"]
            say(f"{drug['drug']:14} DSS2 {drug.get('diagnosis', float('nan')):.1f} → {drug.get('relapse', float('nan')):.1f}, {change}: {drug.get('call', 'not comparable')}")
        say(f"to look at     {centre}/subject.html?id={SUBJECT}")
        for plate in compared["plates"]:
            say(f"               {centre}/plate.html?run={plate['id']}")
        return {drug["drug"]: drug.get("call", "not comparable") for drug in compared["drugs"]}

    def bundle(self):
        """The subject in one file, checked as someone would who has nothing but the file; how many checks went wrong."""
        say("— the subject's report and bundle, checked offline")
        folder = self.world.path("handed-on")
        folder.mkdir()
        report, bundle = folder / f"{SUBJECT}.html", folder / f"{SUBJECT}.tar"

        def central(*words):
            done = subprocess.run([BIN / "marrowlink-central", *words], capture_output=True, text=True)
            for line in (done.stdout + done.stderr).splitlines():
                say(f"               {line.strip()}")
            return done.returncode

        codes = [central("report", SUBJECT, report, "--database", self.world.database), central("bundle", SUBJECT, bundle, "--database", self.world.database)]
        subprocess.run(["tar", "xf", bundle, "-C", folder], check=True)
        sums = subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
        say(f"sha256sum      {sums.stdout.strip() or 'every file of the bundle is as it was written'}")
        codes += [sums.returncode, report.read_bytes() != (folder / "report.html").read_bytes(), central("verify", bundle, "--recompute")]
        changed = bytearray(bundle.read_bytes())
        changed[len(changed) // 2] ^= 1
        (folder / "changed.tar").write_bytes(changed)
        codes.append(central("verify", folder / "changed.tar", "--recompute") - 65)
        wrong = sum(code != 0 for code in codes)
        say("the bundle's numbers were made again from the instruments' bytes, and one changed bit was found" if wrong == 0 else f"THE BUNDLE DOES NOT HOLD: {codes}")
        say(f"to look at     {report}")
        return wrong

    def account(self):
        try:
            status = self.world.status()
            centre = self.world.runs()
        except OSError:
            return None
        waiting = status["backlog"]["records"]
        return {"measured": self.plates + self.files, "committed": status["link"].get("appended", 0), "acknowledged": status["link"].get("acknowledged", 0),
                "waiting": waiting, "link": status["link"]["state"],
                "counted": sum(total["runs"] for total in centre["totals"] if total["state"] == "complete" and not total["revisions"])}

    def say_account(self, account):
        say("account        {measured} runs measured · {committed} records committed, {acknowledged} acknowledged, {waiting} waiting · {counted} runs "
            "counted at the centre · link: {link}".format(**account))

    def wait_counted(self, seconds=60):
        def done():
            account = self.account()
            return account if account and account["waiting"] == 0 and account["counted"] >= self.plates + self.files else None

        account = wait_until(done, seconds, "every run to be counted at the centre")
        self.say_account(account)

    def once(self):
        say("— all is well")
        self.measure()
        self.drop_file()
        self.drop_file()
        self.wait_counted()
        self.measure()
        self.cut_adapter()
        self.wait_counted()
        say("— the broker goes away; work goes on")
        self.broker.kill()
        self.drop_file()
        self.drop_file()
        self.measure()
        self.cut_adapter()
        time.sleep(3)
        say("— the gateway is killed in the middle of it")
        self.gateway.kill()
        self.drop_file()
        self.gateway.start()
        self.drop_file()
        account = wait_until(self.world.status, 10, "the gateway")
        say(f"restarted      link {account['link']['state']}, {account['backlog']['records']} records waiting")
        say("— the broker comes back")
        self.broker.start()
        self.wait_counted(90)
        self.measure()
        time.sleep(1)
        self.cut_adapter()
        self.wait_counted(90)
        calls = self.screen()
        self.wait_counted(30)
        wrong = self.bundle()
        balanced = self.ledger()
        if calls != CALLS:
            say(f"THE CENTRE SAYS {calls}, NOT {CALLS}")
        return balanced or (0 if calls == CALLS and wrong == 0 else 1)

    def ledger(self):
        """What was measured against what the centre stored, by the judge's own eyes."""
        wait_until(lambda: self.reader_log.read_text().count('"cleared"') >= self.plates, 20, "the reader to be cleared")
        say("— the ledger")
        say(self.world.verify().strip())
        logs = [self.log, self.reader_log]
        judged = subprocess.run([sys.executable, str(Judge.program), str(self.world.database), *map(str, logs)], text=True, capture_output=True)
        say(judged.stdout.strip() + judged.stderr)
        say("the ledger balances" if judged.returncode == 0 else "THE LEDGER DOES NOT BALANCE")
        return judged.returncode

    def forever(self):
        self.screen()
        say("Ctrl-C ends it and removes what it made.")
        last = None
        while True:
            for action in (self.measure, self.drop_file, self.drop_file):
                action()
                for _ in range(8):
                    time.sleep(1)
                    account = self.account()
                    if account and account != last:
                        self.say_account(account)
                        last = account


def main():
    parser = argparse.ArgumentParser(prog="./dev demo")
    parser.add_argument("--once", action="store_true", help="a fixed scenario with an outage and a kill; exit 0 only when the ledger balances")
    parser.add_argument("--keep", action="store_true", help="leave what was made")
    options = parser.parse_args()
    demo = Demo(options.keep, 2 if options.once else 8)
    for number in (signal.SIGINT, signal.SIGTERM):  # also when a shell started us in the background, where Ctrl-C is ignored
        signal.signal(number, signal.default_int_handler)
    try:
        demo.start()
        return demo.once() if options.once else demo.forever()
    except KeyboardInterrupt:
        say("stopping")
        return 0
    except (TimeoutError, RuntimeError) as problem:
        say(f"demo: {problem}")
        for process in demo.world.processes:
            say(f"— the end of {process.name}'s log\n{process.tail(8)}")
        return 1
    finally:
        demo.stop()
        if options.keep:
            say(f"kept           {demo.world.directory}")


if __name__ == "__main__":
    sys.exit(main())
