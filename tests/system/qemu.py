"""The adapter's own program in QEMU: its instrument's line and its bus as sockets, the bus also as a serial port, its memory a file.

Whatever is started here is stopped here, by its process id."""

import pathlib
import socket

from world import ROOT, Process, wait_until

ELF = ROOT / "build/firmware/marrowlink-adapter.elf"
RING_AT = 32 * 96 + 2 * 64  # where slots begin in the log (firmware/slot_log.hpp); the last thing a start does is to write one


class Adapter:
    """One adapter in a folder; started again there, it has its log again."""

    def __init__(self, directory, name="adapter", elf=ELF):
        self.directory = pathlib.Path(directory)
        self.log = self.directory / f"{name}.bin"
        self.instrument = self.directory / f"{name}-instrument"  # sockets
        self.bus = self.directory / f"{name}-bus"
        self.port = self.directory / f"{name}-port"  # the bus as a serial port; whoever uses it has the socket's only place
        self.qemu = Process(name, [
            "qemu-system-arm", "-M", "netduinoplus2", "-display", "none", "-monitor", "none", "-kernel", elf,
            "-serial", f"unix:{self.instrument},server=on,wait=off", "-serial", f"unix:{self.bus},server=on,wait=off",
            "-semihosting-config", f"enable=on,target=native,arg={self.log.name}"], self.directory / f"{name}.log", cwd=self.directory)
        self.bridge = Process(f"{name}-bridge", ["socat", f"pty,raw,echo=0,link={self.port}", f"unix-connect:{self.bus}"],
                              self.directory / f"{name}-bridge.log", ready=self.port.is_symlink)

    def start(self):
        before = self._slots()
        for path in (self.instrument, self.bus):
            path.unlink(missing_ok=True)
        self.qemu.ready = lambda: (now := self._slots()).strip(b"\0") and now != before
        self.qemu.start()
        self.connect()
        return self

    def connect(self):
        """The bus is on the serial port until `disconnect` or `open_bus`."""
        self.port.unlink(missing_ok=True)  # a killed bridge leaves it
        self.bridge.start()

    def disconnect(self):
        if self.bridge.running():
            self.bridge.kill()

    def _slots(self):
        return self.log.read_bytes()[RING_AT:] if self.log.exists() else b""

    def kill(self):
        """What the loss of power does: nothing more is written."""
        self.qemu.kill()
        self.disconnect()

    def stop(self):
        self.disconnect()
        self.qemu.stop()

    def open_instrument(self):
        """The instrument's end of its line; to be kept open, for QEMU forgets what it has not read when it is closed."""
        return connected(self.instrument)

    def open_bus(self):
        self.disconnect()
        return connected(self.bus)


def connected(path):
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(5)
    line.connect(str(path))
    return line
