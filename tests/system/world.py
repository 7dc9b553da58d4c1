"""A whole Marrowlink on one machine: broker, centre, gateway and instruments as real processes on free loopback ports.

Whatever is started here is stopped here, by its process id. Used by the demonstration, the system tests and the benchmarks."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("MARROWLINK_BIN", ROOT / "build/release/bin"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    """Polls until `condition` returns something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def get_json(url, timeout=5):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return json.load(answer)


class Process:
    """One program, started again at will; its output goes to a file that outlives it."""

    def __init__(self, name, command, log, ready=None, env=None, cwd=None):
        self.name, self.command, self.log, self.ready, self.env, self.cwd = name, [str(part) for part in command], log, ready, env, cwd
        self.child = None
        self.starts = 0

    def start(self):
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(self.command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.env,
                                          cwd=self.cwd)
        self.starts += 1
        if self.ready:
            wait_until(self._is_ready, 20, f"{self.name} to be ready (its log: {self.log})")
        return self

    def _is_ready(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.name} ended at once with {self.child.returncode}; the end of its log:\n" + self.tail())
        return self.ready()

    def tail(self, lines=15):
        return "\n".join(pathlib.Path(self.log).read_text(errors="replace").splitlines()[-lines:])

    def kill(self):
        """SIGKILL: what a power cut does to a process."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def signal(self, number):
        self.child.send_signal(number)

    def running(self):
        return self.child is not None and self.child.poll() is None

    def stop(self, seconds=15):
        if not self.running():
            return
        self.child.send_signal(signal.SIGCONT)
        self.child.terminate()
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise RuntimeError(f"{self.name} did not stop within {seconds} s of SIGTERM")
        if self.child.returncode != 0:
            raise RuntimeError(f"{self.name} ended with {self.child.returncode} on SIGTERM; the end of its log:\n" + self.tail())


def listening(port):
    def probe():
        with socket.socket() as s:
            s.settimeout(0.5)
            return s.connect_ex(("127.0.0.1", port)) == 0

    return probe


class World:
    def __init__(self, keep=False, prefix="marrowlink-"):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        self.keep = keep
        self.processes = []
        self.problems = []  # of programs that did not stop as they should
        self.broker_port = free_port()
        self.gateway_port = free_port()
        self.central_port = free_port()
        self.outbox = self.directory / "outbox"
        self.database = self.directory / "central.db"
        self.socket = self.directory / "gateway.sock"
        self.outbox.mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def path(self, name):
        return self.directory / name

    def add(self, name, command, ready=None, env=None):
        process = Process(name, command, self.path(f"{name}.log"), ready, env)
        self.processes.append(process)
        return process

    def broker(self, extra=""):
        (self.path("mosquitto.conf")).write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\npersistence false\n{extra}")
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        return self.add("broker", [mosquitto, "-c", self.path("mosquitto.conf")], listening(self.broker_port))

    def central(self, extra=""):
        config = self.path("central.toml")
        config.write_text(
            f'database = "{self.database}"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {self.broker_port}\n'
            f'[page]\nlisten = "127.0.0.1:{self.central_port}"\n{extra}')
        return self.add("central", [BIN / "marrowlink-central", "run", "-c", config], listening(self.central_port))

    def gateway(self, instruments, broker_port=None, site="paris", gateway="gw1", extra="", outbox_extra=""):
        config = self.path("gateway.toml")
        config.write_text(
            f'site = "{site}"\ngateway = "{gateway}"\n{extra}'
            f'[outbox]\ndirectory = "{self.outbox}"\n{outbox_extra}'
            f'[broker]\nhost = "127.0.0.1"\nport = {broker_port or self.broker_port}\nkeepalive_s = 5\n'
            f'[page]\nlisten = "127.0.0.1:{self.gateway_port}"\nsocket = "{self.socket}"\n{instruments}')
        return self.add("gateway", [BIN / "marrowlink-gateway", "run", "-c", config], listening(self.gateway_port))

    def status(self):
        return get_json(f"http://127.0.0.1:{self.gateway_port}/api/status")

    def runs(self):
        return get_json(f"http://127.0.0.1:{self.central_port}/api/runs")

    def backlog(self):
        return self.status()["backlog"]["records"]

    def wait_empty(self, seconds):
        def empty():
            try:
                return self.backlog() == 0
            except OSError:
                return False

        return wait_until(empty, seconds, "the backlog to empty")

    def start_run(self, instrument, plate):
        done = subprocess.run([BIN / "marrowlink-gateway", "start", "-c", self.path("gateway.toml"), instrument, "--plate", plate],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def verify(self):
        """Both sides prove their stored bytes; returns what they printed."""
        text = ""
        for program, what in (("marrowlink-gateway", self.outbox), ("marrowlink-central", self.database)):
            done = subprocess.run([BIN / program, "verify", what], capture_output=True, text=True)
            text += f"{program} verify: exit {done.returncode}\n{done.stdout}{done.stderr}"
            if done.returncode != 0:
                raise RuntimeError(text)
        return text

    def stop(self):
        for process in reversed(self.processes):
            if process.running():
                try:
                    process.stop()
                except RuntimeError as problem:
                    self.problems.append(str(problem))
                    print(problem)
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)
