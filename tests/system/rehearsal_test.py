#!/usr/bin/env python3
"""An outage rehearsed on a living gateway, with the programs as they are installed: it begins only when it is safe, it ends whatever becomes of whoever asked
for it, and everything that was measured meanwhile arrives once."""

import json
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from system_case import GATEWAY, run, SystemCase, wait_until


class RehearsalTest(SystemCase):
    def setUp(self):
        super().setUp()
        self.broker = self.world.broker()
        self.central = self.world.central()
        self.meter = self.counter(per_second=500)
        self.gateway = self.world.gateway(self.meter.config())
        self.rehearsing = None

    def end(self):
        if self.rehearsing and self.rehearsing.poll() is None:
            self.rehearsing.kill()
        if self.rehearsing:
            self.rehearsing.stdout.close()
            self.rehearsing.wait()
        super().end()

    def start(self):
        for process in (self.broker, self.central, self.gateway):
            process.start()
        self.wait_link("connected")
        self.wait_acknowledged(self.meter, 50)

    def rehearse(self, minutes):
        """Begun, and the link is closed."""
        self.rehearsing = subprocess.Popen([GATEWAY, "rehearse", "-c", self.world.path("gateway.toml"), "--minutes", str(minutes)],
                                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.wait_link("rehearsal")

    def report(self, seconds=60):
        text, _ = self.rehearsing.communicate(timeout=seconds)
        return self.rehearsing.returncode, text

    def refused(self, minutes=0.2):
        return run(GATEWAY, "rehearse", "-c", self.world.path("gateway.toml"), "--minutes", minutes)

    def at_centre(self):
        return self.link()["acknowledged"]

    def test_instruments_notice_nothing_and_everything_arrives_once(self):
        self.start()
        self.rehearse(0.2)
        alarm = self.wait_alarm("link.rehearsal")
        self.assertIn("closed on purpose", alarm["what"])
        self.assertEqual("warn", alarm["severity"])
        self.wait_acknowledged(self.meter, 200)  # an acknowledgement that came just before the cut is shown with the next commits
        at_centre = self.at_centre()
        self.wait_acknowledged(self.meter, 2000)
        self.assertEqual(at_centre, self.at_centre())
        self.assertGreaterEqual(self.world.backlog(), 2000)
        code, _, refusal = self.refused()
        self.assertEqual((65, True), (code, "A rehearsal is under way until" in refusal), refusal)
        code, text = self.report()
        print(text)
        self.assertEqual(0, code, text)
        for words in ("Safe in production, because", "The link was away for 12.0 s, as long as was asked.", "the backlog was empty again",
                      "Least room seen: ", "Verdict: an outage of "):
            self.assertIn(words, text)
        self.assertIsNone(self.alarm("link.rehearsal"))
        self.assert_balanced(self.meter)
        self.assertNotIn("level=error", self.gateway.tail(10 ** 6))

    def test_command_that_is_killed_leaves_no_link_closed(self):
        self.start()
        self.rehearse(0.15)
        began = time.monotonic()
        self.rehearsing.kill()
        self.wait_acknowledged(self.meter, 500)
        self.assertEqual("rehearsal", self.link()["state"])
        self.wait_link("connected")
        self.assertLess(time.monotonic() - began, 12)
        self.assert_balanced(self.meter)

    def test_command_that_is_interrupted_restores_the_link_at_once(self):
        self.start()
        self.rehearse(30)
        self.wait_acknowledged(self.meter, 500)
        self.rehearsing.send_signal(signal.SIGINT)
        self.wait_link("connected", seconds=5)
        code, text = self.report()
        self.assertEqual(0, code, text)
        self.assertIn("restored early, because somebody asked for it", text)
        self.assert_balanced(self.meter)

    def test_gateway_that_is_killed_has_no_rehearsal_when_it_comes_back(self):
        self.start()
        self.rehearse(30)
        self.wait_acknowledged(self.meter, 500)
        self.gateway.kill()
        self.gateway.start()
        self.wait_link("connected")
        code, text = self.report()
        self.assertEqual(69, code, text)
        self.assertIn("The gateway was started again", text)
        self.assert_balanced(self.meter)

    def test_real_outage_is_not_added_to_and_what_is_wrong_is_said(self):
        code, _, sentence = self.refused()
        self.assertEqual((69, True), (code, "No gateway answers on" in sentence), sentence)
        self.start()
        code, _, sentence = self.refused(61)
        self.assertEqual((64, True), (code, "from 0.1 to 60" in sentence), sentence)
        self.broker.kill()
        self.wait_link("refused")
        code, _, sentence = self.refused()
        self.assertEqual((65, True), (code, "never adds to a real outage" in sentence), sentence)
        self.broker.start()
        self.wait_link("connected", seconds=40)
        self.assert_balanced(self.meter)

    def test_restore_into_a_real_outage_is_reported_and_nothing_is_lost(self):
        self.start()
        self.rehearse(0.1)
        self.broker.kill()
        self.wait_link("refused")
        self.wait_acknowledged(self.meter, 1500)  # 3 s, of which the command tells once a second
        self.broker.start()
        code, text = self.report()
        self.assertEqual(0, code, text)
        self.assertIn("link refused", text)
        self.assert_balanced(self.meter)

    def test_over_tcp_only_the_gateways_own_page_may_ask(self):
        self.start()
        page = f"http://127.0.0.1:{self.world.gateway_port}"

        def ask(method, **headers):
            request = urllib.request.Request(f"{page}/api/rehearsal", b'{"minutes": 0.1}' if method == "POST" else None, method=method,
                                             headers={"Content-Type": "application/json", **headers})
            try:
                with urllib.request.urlopen(request) as answer:
                    return answer.status, json.loads(answer.read())
            except urllib.error.HTTPError as refused:
                with refused:
                    return refused.code, json.loads(refused.read())

        for method in ("POST", "DELETE"):
            self.assertEqual(403, ask(method)[0])
            self.assertEqual(403, ask(method, Origin="http://elsewhere.example")[0])
        self.assertEqual("none", ask("GET")[1]["phase"])
        self.assertEqual(201, ask("POST", Origin=page)[0])
        self.wait_link("rehearsal")
        self.assertEqual(403, ask("DELETE")[0])
        self.assertEqual(200, ask("DELETE", Origin=page)[0])
        wait_until(lambda: ask("GET")[1]["phase"] == "over", 15, "the rehearsal to be over")
        self.assert_balanced(self.meter)


if __name__ == "__main__":
    unittest.main(verbosity=2)
