"""A certificate authority in a directory, by the openssl command line; certificates valid to the second."""

import datetime
import subprocess


def stamp(seconds_from_now):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return when.strftime("%Y%m%d%H%M%SZ")


class Authority:
    def __init__(self, directory, name="ca", days=1):
        self.directory = directory / name
        self.directory.mkdir()
        (self.directory / "index.txt").touch()
        (self.directory / "serial").write_text("01\n")
        self.config = self.directory / "openssl.cnf"
        self.config.write_text(
            "[ca]\ndefault_ca = own\n[own]\n"
            f"database = {self.directory}/index.txt\nserial = {self.directory}/serial\nnew_certs_dir = {self.directory}\n"
            f"certificate = {self.directory}/ca.pem\nprivate_key = {self.directory}/ca.key\ndefault_md = sha256\nunique_subject = no\n"
            "policy = any\ncopy_extensions = copy\n[any]\ncommonName = supplied\n[req]\ndistinguished_name = name\n[name]\n"
            "[v3_ca]\nbasicConstraints = critical,CA:TRUE\n")
        self.certificate = self.directory / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.directory / "ca.key",
                     "-out", self.certificate, "-subj", f"/CN=Test authority {name}", "-days", days, "-config", self.config, "-extensions", "v3_ca")

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")

    def issue(self, name, begins=-60, ends=3600):
        """Makes or replaces NAME.pem and NAME.key, each by a rename, as a careful renewal does. Times are seconds from now."""
        key, request, fresh = (self.directory / f"{name}.{kind}" for kind in ("key.new", "csr", "pem.new"))
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}",
                     "-addext", "subjectAltName=IP:127.0.0.1", "-config", self.config)
        self.openssl("ca", "-batch", "-notext", "-config", self.config, "-in", request, "-out", fresh, "-startdate", stamp(begins), "-enddate", stamp(ends))
        pem, final = self.directory / f"{name}.pem", self.directory / f"{name}.key"
        key.rename(final)
        fresh.rename(pem)
        return pem, final
