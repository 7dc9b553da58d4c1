#!/usr/bin/env python3
"""TLS with client certificates: renewed on disk, expired, not yet valid, of another authority. Storage and the page go on without the link."""

import signal
import time
import unittest

from certificates import Authority
from system_case import AS_ROOT, SystemCase, wait_until


class CertificateTest(SystemCase):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.world.directory)
        for name in ("broker", "centre", "gateway"):
            self.authority.issue(name)
        self.instrument = self.counter(per_second=100)

    def tls(self, name, ca=None):
        own = self.authority.directory
        return f'[broker.tls]\nca = "{ca or self.authority.certificate}"\ncertificate = "{own}/{name}.pem"\nkey = "{own}/{name}.key"\n'

    def build(self, gateway_ca=None):
        own = self.authority.directory
        self.broker = self.world.broker(f"{AS_ROOT}cafile {self.authority.certificate}\ncertfile {own}/broker.pem\nkeyfile {own}/broker.key\n"
                                        "require_certificate true\nuse_identity_as_username true\n")
        self.central = self.world.central(self.tls("centre"))
        self.gateway = self.world.gateway(self.tls("gateway", gateway_ca) + self.instrument.config())
        for process in (self.broker, self.central, self.gateway):
            process.start()

    def reload(self):
        self.gateway.signal(signal.SIGHUP)

    def assert_works_without_link(self):
        """Instruments are acknowledged, the page answers."""
        self.wait_acknowledged(self.instrument, 30)
        self.assertGreater(self.world.backlog(), 0)

    def test_renewed_on_disk_five_times_without_loss(self):
        """field 57: files are read again at each connect and on reload; days to the end are shown"""
        self.build()
        self.wait_link("connected")
        self.assertEqual(0, self.link()["certificate_days"])
        self.assertEqual("1", self.wait_alarm("certificate.ends")["subject"])
        for days in range(2, 7):
            self.authority.issue("gateway", ends=days * 86400 + 3600)
            self.reload()
            wait_until(lambda: self.link().get("certificate_days") == days, 10, f"{days} days to be shown")
            self.wait_link("connected")
            self.wait_acknowledged(self.instrument, 20)
        self.assertEqual("7", self.wait_alarm("certificate.ends")["subject"])
        self.assert_balanced(self.instrument)

    def test_expired_is_named_and_ends_by_itself_when_replaced(self):
        """field 58, field 59: expired at the start and the renewal not there yet; tried on and on, storage and page go on"""
        self.authority.issue("gateway", begins=-120, ends=-60)
        self.build()
        detail = self.wait_link("certificate_expired")["detail"]
        self.assertIn("gateway.pem ended at", detail)
        self.assertIn("renewed certificate", self.wait_alarm("link.certificate_expired")["todo"])
        self.assert_works_without_link()
        self.authority.issue("gateway")
        self.wait_link("connected", seconds=40)
        self.wait_no_alarm("link.certificate_expired")
        self.assert_balanced(self.instrument)

    def test_expires_while_connected(self):
        """field 57: certificates that live seconds; the next connection finds the renewed one"""
        self.authority.issue("gateway", ends=8)
        self.build()
        self.wait_link("connected")
        time.sleep(9)
        self.wait_acknowledged(self.instrument, 20)
        self.broker.kill()
        self.broker.start()
        self.wait_link("certificate_expired")
        self.authority.issue("gateway", ends=8)
        self.wait_link("connected", seconds=20)
        self.assert_balanced(self.instrument)

    def test_not_yet_valid_is_named_and_ends_when_its_time_comes(self):
        """field 58: the first connection fails for the clock's sake; it is tried again until it works"""
        self.authority.issue("gateway", begins=12)
        self.build()
        self.assertIn("gateway.pem is valid only from", self.wait_link("refused")["detail"])
        self.assert_works_without_link()
        self.wait_link("connected", seconds=50)
        self.assert_balanced(self.instrument)

    def test_wrong_authority_is_refused_and_named(self):
        """field 59: neither side accepts the other; nothing is sent in clear, nothing is lost"""
        other = Authority(self.world.directory, "other")
        self.build(gateway_ca=other.certificate)
        self.assertRegex(self.wait_link("refused")["detail"], "(?i)certificate")
        self.assert_works_without_link()
        (other.directory / "ca.pem").write_bytes(self.authority.certificate.read_bytes())
        self.wait_link("connected", seconds=40)
        self.assert_balanced(self.instrument)

    def test_expired_broker_certificate_is_refused(self):
        """field 58: the other side's certificate counts as well"""
        self.authority.issue("broker", begins=-120, ends=-60)
        self.build()
        self.assertRegex(self.wait_link("refused")["detail"], "(?i)certificate")
        self.assert_works_without_link()
        self.authority.issue("broker")
        self.broker.kill()
        self.broker.start()
        self.wait_link("connected", seconds=40)
        self.assert_balanced(self.instrument)


if __name__ == "__main__":
    unittest.main(verbosity=2)
