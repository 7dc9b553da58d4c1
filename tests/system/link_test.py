#!/usr/bin/env python3
"""The link between gateway and centre, with real programs and a real broker: away, refusing, restarted, shared, bridged. Nothing may be lost."""

import signal
import socket
import subprocess
import threading
import time
import unittest

from system_case import AS_ROOT, GATEWAY, free_port, judged, SystemCase, wait_until
from world import listening


class Refuser(threading.Thread):
    """In the place of a broker that is away: closes each connection at once and counts them."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.attempts = 0
        self.server = socket.create_server(("127.0.0.1", port))
        self.server.settimeout(0.05)
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            try:
                self.server.accept()[0].close()
                self.attempts += 1
            except TimeoutError:
                pass
        self.server.close()

    def end(self):
        self.over.set()
        self.join()


class LinkTest(SystemCase):
    def change(self, file, old, new):
        path = self.world.path(file)
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def passwords(self, **users):
        file = self.world.path("passwords")
        file.touch(mode=0o600)
        for user, password in users.items():
            subprocess.run(["mosquitto_passwd", "-b", file, user.replace("_", "-"), password], check=True, capture_output=True)
        return file

    def with_users(self, gateway_password):
        """The broker wants users; centre and gateway have one each."""
        for user, password in (("centre", "right"), ("gateway", gateway_password)):
            self.world.path(f"{user}.password").write_text(password + "\n")
        port = f"port = {self.world.broker_port}\n"
        self.world.central()
        self.change("central.toml", port, f'{port}username = "centre"\npassword_file = "{self.world.path("centre.password")}"\n')
        counter = self.counter()
        self.world.gateway(counter.config())
        self.change("gateway.toml", port, f'{port}username = "gateway"\npassword_file = "{self.world.path("gateway.password")}"\n')
        return counter

    def start(self, *names):
        for name in names or ("broker", "central", "gateway"):
            self.process(name).start()

    def process(self, name):
        return next(process for process in self.world.processes if process.name == name)

    def test_no_broker_and_no_name_at_start_still_acknowledges_instruments(self):
        """field 13: start-up needs no network at all, a restart in the outage loses nothing; field 10: what was handed over was not sent"""
        self.world.broker()
        self.world.central()
        counter = self.counter()
        gateway = self.world.gateway(counter.config())
        self.change("gateway.toml", 'host = "127.0.0.1"', 'host = "broker.invalid"')
        gateway.start()
        self.wait_acknowledged(counter, 100)
        self.assertIn("broker.invalid", self.wait_link("refused")["detail"])
        self.assertEqual("The broker cannot be reached.", self.wait_alarm("link.refused")["what"])
        gateway.kill()
        gateway.start()
        self.wait_acknowledged(counter, 100)
        self.change("gateway.toml", 'host = "broker.invalid"', 'host = "127.0.0.1"')
        gateway.kill()
        gateway.start()
        self.wait_acknowledged(counter, 100)
        self.assertGreaterEqual(self.world.backlog(), 300)
        self.start("broker", "central")
        self.wait_link("connected")
        self.assert_balanced(counter)
        self.wait_no_alarm("link.refused")

    def test_wrong_password_is_named_and_mended_at_the_broker_alone(self):
        """field 58: the same backoff for every failure, its cause named"""
        file = self.passwords(centre="right", gateway="right")
        self.world.broker(f"{AS_ROOT}allow_anonymous false\npassword_file {file}\n")
        counter = self.with_users("wrong")
        self.start()
        self.wait_link("not_authorised")
        self.assertIn("refuses this gateway", self.wait_alarm("link.not_authorised")["what"])
        self.wait_acknowledged(counter, 50)
        self.passwords(gateway="wrong")
        self.process("broker").signal(signal.SIGHUP)
        self.wait_link("connected", seconds=40)
        self.assert_balanced(counter)
        self.wait_no_alarm("link.not_authorised")

    def test_access_list_that_denies_records_is_named_and_nothing_is_lost(self):
        """field 8: accepted by the broker is not kept by the centre (PUBACK reason 135)"""
        acl = self.world.path("acl")
        acl.write_text("user centre\ntopic readwrite marrowlink/#\n\nuser gateway\ntopic read marrowlink/#\ntopic write marrowlink/1/paris/gw1/state\n")
        acl.chmod(0o600)
        file = self.passwords(centre="right", gateway="right")
        self.world.broker(f"{AS_ROOT}allow_anonymous false\npassword_file {file}\nacl_file {acl}\n")
        counter = self.with_users("right")
        self.start()
        self.assertIn("135", self.wait_link("not_authorised")["detail"])
        self.wait_alarm("link.not_authorised")
        self.wait_acknowledged(counter, 50)
        self.assertEqual(0, self.link().get("acknowledged", 0))
        acl.write_text(acl.read_text().replace("topic write marrowlink/1/paris/gw1/state", "topic write marrowlink/1/paris/#"))
        self.process("broker").signal(signal.SIGHUP)
        self.wait_link("connected", seconds=50)
        self.assert_balanced(counter)

    def test_two_gateways_with_one_client_id_do_not_fight(self):
        """a shared client id is a named alarm, though mosquitto 2.0.11 sends no DISCONNECT 142; whoever was sent away waits, so connections stay few"""
        self.world.broker("log_type all\n")
        self.world.central()
        first, second = self.counter(), self.counter(name="other")
        self.world.gateway(first.config())
        text = self.world.path("gateway.toml").read_text().replace(first.config(), second.config())
        other_port = free_port()
        (self.world.path("outbox-other")).mkdir()
        for old, new in (('site = "paris"', 'site = "lyon"'), (str(self.world.outbox), str(self.world.path("outbox-other"))),
                         ("keepalive_s = 5", 'keepalive_s = 5\nclient_id = "paris-gw1"'), (f":{self.world.gateway_port}", f":{other_port}"),
                         ("gateway.sock", "other.sock")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.world.path("other.toml").write_text(text)
        other = self.world.add("other", [GATEWAY, "run", "-c", self.world.path("other.toml")], listening(other_port))
        self.start()
        self.wait_link("connected")
        other.start()
        self.wait_link("taken_over")
        self.assertIn("id paris-gw1", self.link()["detail"])
        self.assertEqual("Another gateway uses this gateway's id.", self.wait_alarm("link.taken_over")["what"])
        time.sleep(5)  # until the other one has understood as well
        connects = self.connects()
        self.assertLessEqual(connects, 16, "they fight for the id")
        time.sleep(5)
        self.assertLessEqual(self.connects() - connects, 3, "they go on fighting for the id")
        self.wait_acknowledged(first, 50)
        self.wait_acknowledged(second, 50)
        other.stop()
        self.world.path("other.toml").write_text(text.replace('client_id = "paris-gw1"', ""))
        other.start()
        self.wait_link("connected", seconds=35)
        second.rest()
        self.assert_balanced(first)
        wait_until(lambda: second.acknowledged <= self.lines_of("other"), 20, "the other gateway's lines to be counted")
        self.assert_balanced(first, second)

    def connects(self):
        return self.process("broker").tail(10 ** 6).count(" as paris-gw1 ")

    def lines_of(self, instrument):
        return sum(1 for name, _ in judged(self.world.database).messages if name == instrument)

    def test_broker_restart_drains_at_once_and_attempts_stay_few(self):
        """field 11: reconnecting triggers the drain; field 14: oldest first, live data joins the tail"""
        self.world.broker()
        self.world.central()
        counter = self.counter(per_second=1000)
        self.world.gateway(counter.config())
        self.start()
        self.wait_link("connected")
        self.process("broker").kill()
        refuser = Refuser(self.world.broker_port)
        before = self.link().get("acknowledged", 0)
        time.sleep(6)
        refuser.end()
        self.assertGreater(refuser.attempts, 1)
        # Gateway and centre, each 0.25 s, 0.5 s, 1 s, 2 s, … with half of it random.
        self.assertLess(refuser.attempts, 24)
        self.assertGreater(self.world.backlog(), 500)
        self.process("broker").start()
        self.wait_link("connected", seconds=40)
        connected = time.monotonic()
        wait_until(lambda: self.link().get("acknowledged", 0) > before, 10, "the first acknowledgement")
        self.assertLess(time.monotonic() - connected, 1)
        self.assert_balanced(counter)

    def test_session_taken_over_while_the_centre_is_frozen(self):
        """field 21: what was sent while the connection was half open is sent again"""
        self.world.broker()
        central = self.world.central()
        counter = self.counter()
        self.world.gateway(counter.config())
        self.start()
        self.wait_link("connected")
        self.wait_acknowledged(counter, 50)
        central.signal(signal.SIGSTOP)
        self.wait_acknowledged(counter, 100)
        thief = self.world.add("thief", ["mosquitto_sub", "-p", self.world.broker_port, "-V", "5", "-i", "marrowlink-central", "-q", "1",
                                         "-t", "marrowlink/1/+/+/+/+"])
        thief.start()
        self.wait_acknowledged(counter, 200)
        time.sleep(1)
        central.signal(signal.SIGCONT)
        time.sleep(1)
        thief.kill()
        self.wait_link("connected", seconds=45)
        self.assert_balanced(counter)

    def test_records_sent_again_after_a_broker_restart_are_counted_once(self):
        """field 17: the ledger, not QoS, gives "once"; field 10: a full window in flight is lost with the broker and sent again"""
        broker = self.world.broker()
        central = self.world.central()
        counter = self.counter(per_second=1000)
        self.world.gateway(counter.config())
        self.start()
        self.wait_link("connected")
        for _ in range(3):
            self.wait_acknowledged(counter, 300)
            central.signal(signal.SIGSTOP)
            self.wait_acknowledged(counter, 800)
            broker.kill()
            central.signal(signal.SIGCONT)
            broker.start()
            self.wait_link("connected", seconds=20)
        self.assert_balanced(counter)
        self.assertGreater(self.metric("repeated_total"), 0, "nothing was sent twice, so this test has shown nothing")

    def test_centre_away_keeps_records_here_because_its_session_keeps_nothing(self):
        """field 20: the centre starts clean on purpose; what it missed comes from the outbox, not from the broker"""
        broker = self.world.broker("log_type all\n")
        central = self.world.central()
        counter = self.counter()
        self.world.gateway(counter.config())
        self.start()
        self.wait_link("connected")
        for stop in (central.stop, central.kill):
            stop()
            self.wait_link("centre_away", seconds=15)
            self.wait_alarm("link.centre_away")
            self.wait_acknowledged(counter, 300)
            central.start()
            self.wait_link("connected")
        self.assert_balanced(counter)
        self.wait_no_alarm("link.centre_away")
        connects = [line for line in broker.tail(10 ** 6).splitlines() if " as marrowlink-central " in line]
        self.assertEqual(3, len(connects))
        for line in connects:
            self.assertIn("c1", line.split("(")[1])

    def test_bridge_between_gateway_and_centre_loses_nothing(self):
        """field 16: a bridging broker in the way drops silently; both ends count, so nothing is missing"""
        edge_port = free_port()
        self.world.path("edge.conf").write_text(
            f"listener {edge_port} 127.0.0.1\nallow_anonymous true\npersistence false\nconnection centre\naddress 127.0.0.1:{self.world.broker_port}\n"
            "bridge_protocol_version mqttv50\nrestart_timeout 1\n"
            "topic marrowlink/1/paris/# out 1\ntopic marrowlink/1/ack/paris/# in 1\ntopic marrowlink/1/answer/paris/# in 1\ntopic marrowlink/1/centre/# in 1\n")
        broker = self.world.broker()
        self.world.central()
        broker.start()
        edge = self.world.add("edge", ["/usr/sbin/mosquitto", "-c", self.world.path("edge.conf")], listening(edge_port))
        edge.start()
        counter = self.counter()
        self.world.gateway(counter.config(), broker_port=edge_port)
        self.start("central", "gateway")
        self.wait_link("connected")
        broker.kill()
        self.wait_acknowledged(counter, 1500, seconds=20)
        broker.start()
        counter.rest()
        self.assert_balanced(counter, seconds=50)


if __name__ == "__main__":
    unittest.main(verbosity=2)
