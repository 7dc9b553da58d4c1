#!/usr/bin/env python3
"""The network itself, with real programs and a real broker: the cable out, packets that vanish, a slow line. The broker stands in a network namespace of its
own, behind a pair of virtual Ethernet ports; what happens there is what a switch in a laboratory does."""

import os
import shutil
import socket
import subprocess
import threading
import time
import unittest

from system_case import AS_ROOT, SystemCase, wait_until


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


class Cable:
    """From this machine to a namespace in which nothing but the broker lives."""

    def __init__(self, case):
        if not shutil.which("ip"):
            raise unittest.SkipTest("network namespaces need the program ip (package iproute2)")
        number = os.getpid() % 16000
        self.space, self.near, self.far = f"marrowlink-{number}", f"mln{number}", f"mlf{number}"
        subnet = f"10.{200 + number // 4096}.{number // 16 % 256}.{number % 16 * 16}"
        self.here, self.broker = (subnet.rsplit(".", 1)[0] + f".{number % 16 * 16 + last}" for last in (1, 2))
        made = ip("netns", "add", self.space, check=False)
        if made.returncode != 0:
            raise unittest.SkipTest(f"a network namespace needs root and the right to administer networks: {made.stderr.strip()}")
        case.addCleanup(ip, "netns", "del", self.space, check=False)
        made = ip("link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.space, check=False)
        if made.returncode != 0:
            raise unittest.SkipTest(f"virtual Ethernet ports cannot be made here: {made.stderr.strip()}")
        case.addCleanup(ip, "link", "del", self.near, check=False)
        ip("addr", "add", f"{self.here}/28", "dev", self.near)
        ip("link", "set", self.near, "up")
        for words in (("addr", "add", f"{self.broker}/28", "dev", self.far), ("link", "set", self.far, "up"), ("link", "set", "lo", "up")):
            ip("-n", self.space, *words)

    def out(self):
        ip("link", "set", self.near, "down")

    def back(self):
        ip("link", "set", self.near, "up")

    def swallow(self):
        """Packets leave and arrive nowhere: no error, no reset, no word."""
        ip("neigh", "replace", self.broker, "lladdr", "02:00:00:00:00:01", "nud", "permanent", "dev", self.near)

    def pass_again(self):
        ip("neigh", "del", self.broker, "dev", self.near, check=False)


class SlowLine(threading.Thread):
    """A relay to the broker whose every byte takes `delay_s` each way."""

    def __init__(self, to, delay_s):
        super().__init__(daemon=True)
        self.to, self.delay_s = to, delay_s
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            far = socket.create_connection(self.to)
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def carry(self, source, target):
        under_way, more, ended = [], threading.Condition(), []

        def deliver():
            while True:
                with more:
                    more.wait_for(lambda: under_way or ended)
                    if not under_way:
                        break
                    due, data = under_way.pop(0)
                time.sleep(max(0, due - time.monotonic()))
                try:
                    target.sendall(data)
                except OSError:
                    break
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        threading.Thread(target=deliver, daemon=True).start()
        while True:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with more:
                if data:
                    under_way.append((time.monotonic() + self.delay_s, data))
                else:
                    ended.append(True)
                more.notify()
            if not data:
                return

    def end(self):
        self.server.close()


class NetworkTest(SystemCase):
    def start_behind(self, cable, per_second=200):
        self.world.path("mosquitto.conf").write_text(
            f"listener {self.world.broker_port} {cable.broker}\nallow_anonymous true\npersistence false\n{AS_ROOT}")
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

        def ready():
            with socket.socket() as probe:
                probe.settimeout(0.5)
                return probe.connect_ex((cable.broker, self.world.broker_port)) == 0

        self.world.add("broker", ["ip", "netns", "exec", cable.space, mosquitto, "-c", self.world.path("mosquitto.conf")], ready)
        self.world.central()
        counter = self.counter(per_second=per_second)
        self.world.gateway(counter.config())
        for file in ("central.toml", "gateway.toml"):
            path = self.world.path(file)
            path.write_text(path.read_text().replace('host = "127.0.0.1"', f'host = "{cable.broker}"'))
        for process in self.world.processes:
            process.start()
        self.wait_link("connected")
        return counter

    def test_cable_pulled_five_times_loses_nothing(self):
        """field 10: link cut without a goodbye, again and again"""
        cable = Cable(self)
        counter = self.start_behind(cable)
        for seconds in (0.3, 1, 3, 9, 0.3):
            self.wait_acknowledged(counter, 100)
            cable.out()
            time.sleep(seconds)
            cable.back()
        print(f"{self.assert_balanced(counter, seconds=60)} lines balance", flush=True)

    def test_packets_that_vanish_are_noticed_and_sent_again(self):
        """field 21: a half-open connection; field 50: the page says so"""
        cable = Cable(self)
        counter = self.start_behind(cable)
        for _ in range(2):
            self.wait_acknowledged(counter, 100)
            cable.swallow()
            self.wait_link("refused", "stalled", "centre_away", seconds=40)
            self.wait_acknowledged(counter, 50)  # instruments are not kept waiting by it
            self.assertGreater(self.world.backlog(), 0)
            cable.pass_again()
            self.wait_link("connected", seconds=60)
        print(f"{self.assert_balanced(counter, seconds=60)} lines balance", flush=True)

    def test_slow_line_is_no_fault(self):
        """field 22: what arrives late is not taken for lost"""
        self.world.broker().start()
        slow = SlowLine(("127.0.0.1", self.world.broker_port), 0.4)
        self.addCleanup(slow.end)
        self.world.central().start()
        counter = self.counter(per_second=20)
        self.world.gateway(counter.config(), broker_port=slow.port).start()
        self.wait_link("connected", seconds=30)
        self.wait_acknowledged(counter, 200, seconds=60)
        self.assertEqual("connected", self.link()["state"])
        self.assertEqual(0, self.metric("repeated_total"))
        self.assert_balanced(counter, seconds=60)


if __name__ == "__main__":
    unittest.main()
