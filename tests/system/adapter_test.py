#!/usr/bin/env python3
"""The adapter's own program in QEMU, read by masters that are not ours: mbpoll and pymodbus, which know it from docs/adapter-registers.md alone;
and by `marrowlink-gateway adapter`."""

import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

from pymodbus.client import ModbusSerialClient
from pymodbus.pdu import ExceptionResponse

from qemu import Adapter
from world import BIN, ROOT, World, wait_until

sys.path.insert(0, str(ROOT / "tests/wire"))
import adapter_document as document  # noqa: E402

UNIT = 1
OWNER, BINDING = 7, 9
STATE, WINDOW, CONTROL, SETTINGS = (document.BLOCKS[name] for name in ("state", "window", "control", "settings"))
PLACES = {name: place for name, (place, *_) in document.fields("settings").items()}


def whole(registers):
    number = 0
    for register in registers:
        number = number << 16 | register
    return number


def registers(number, count=4):
    return [number >> 16 * (count - 1 - n) & 0xFFFF for n in range(count)]


def words(text, count):
    content = text.ljust(2 * count, b"\0")
    return [int.from_bytes(content[2 * n:2 * n + 2], "big") for n in range(count)]


def frame(number, dice):
    """Of ASTM E1381, with its sum."""
    text = f"{number % 8}R|{number}|{dice.random()}\r\x03".encode()
    return b"\x02" + text + f"{sum(text) & 0xFF:02X}\r\n".encode()


class Refused(Exception):
    pass


class Slot:
    def __init__(self, content):
        for name, (at, length) in document.SLOT.items():
            setattr(self, name, int.from_bytes(content[at:at + length], "big"))
        self.payload = bytes(content[28:28 + self.payload_bytes])
        self.bytes = 28 + self.payload_bytes + 4
        self.holds = self.mark == 0x534C and zlib.crc32(content[:self.bytes - 4]) == int.from_bytes(content[self.bytes - 4:self.bytes], "big")


class Master:
    """pymodbus on the adapter's serial port."""

    def __init__(self, port):
        # A pseudo-terminal has no parity, and glibc calls it an error to ask for one twice.
        self.client = ModbusSerialClient(port=str(port), baudrate=115200, parity="N", timeout=2)
        if not self.client.connect():
            raise OSError(f"{port} cannot be opened")

    def close(self):
        self.client.close()

    def read(self, address, count):
        return self._value(self.client.read_holding_registers(address, count, slave=UNIT)).registers

    def write(self, address, values):
        self._value(self.client.write_registers(address, values, slave=UNIT))

    def _value(self, answer):
        if isinstance(answer, ExceptionResponse):
            raise Refused(answer.exception_code)
        if answer.isError():
            raise answer
        return answer

    def state(self):
        block = self.read(*STATE)
        return {name: whole(block[at - STATE[0]:at - STATE[0] + count]) for name, (at, count) in document.fields("state").items()}

    def own(self, owner_id=OWNER, name=b"reader"):
        self.write(document.BLOCKS["owner"][0], registers(owner_id) + registers(BINDING) + registers(0) + words(name, 16))

    def acknowledge(self, position, binding=BINDING):
        self.write(CONTROL[0], registers(binding) + registers(position) + registers(position))

    def log(self):
        """Position of the first byte, and the bytes: writes the cursor and reads the window in one request, as long as there is more."""
        first = cursor = self.state()["freed"]
        places = {name: at - WINDOW[0] for name, (at, _) in document.fields("window").items()}
        content = b""
        while True:
            block = self._value(self.client.readwrite_registers(
                read_address=WINDOW[0], read_count=WINDOW[1], write_address=document.fields("control")["cursor"][0],
                write_registers=registers(cursor), unit=UNIT)).registers
            shown = block[places["bytes"]]
            assert block[places["guard_first"]] == block[places["guard_last"]]
            assert whole(block[places["position"]:places["bytes"]]) == cursor & 0xFFFFFFFF
            if shown == 0:
                return first, content
            content += b"".join(register.to_bytes(2, "big") for register in block[places["data"]:places["guard_last"]])[:shown]
            cursor += shown

    def slots(self):
        """Those that are not acknowledged, with the position behind each."""
        position, content = self.log()
        out = []
        while content:
            slot = Slot(content)
            assert slot.holds, f"the slot at {position} is not whole"
            position += slot.bytes
            out.append((slot, position))
            content = content[slot.bytes:]
        return out


class AdapterTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="marrowlink-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.adapter = Adapter(self.folder)
        self.addCleanup(self.adapter.stop)
        self.adapter.start()
        self.master = self.instrument = None
        self.addCleanup(self.leave)
        self.come()

    def come(self):
        self.master = Master(self.adapter.port)
        self.instrument = self.adapter.open_instrument()

    def leave(self):
        for end in (self.master, self.instrument):
            if end is not None:
                end.close()
        self.master = self.instrument = None

    def hear(self, count):
        """What the instrument hears."""
        heard = b""
        while len(heard) < count:
            heard += self.instrument.recv(count - len(heard))
        return heard

    def cut_power(self):
        self.adapter.kill()
        self.leave()
        self.adapter.start()
        self.come()

    def data(self):
        kind = document.words("SlotKind")["data"]
        return [slot.payload for slot, _ in self.master.slots() if slot.kind == kind]

    def wait_data(self, count, seconds=20):
        return wait_until(lambda: (data := self.data()) and len(data) >= count and data, seconds, f"{count} slots of data")

    def refused(self, number, what, *arguments):
        with self.assertRaises(Refused) as seen:
            what(*arguments)
        self.assertEqual(seen.exception.args, (number,))

    def mbpoll(self, command):
        command = [str(self.adapter.port) if word.startswith("/dev/") else word for word in command.split()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        self.assertEqual(0, done.returncode, f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return [int(line.split(":")[1].split()[0], 0) for line in done.stdout.splitlines() if line.startswith("[")]

    def test_the_commands_of_the_document_do_what_it_says(self):
        self.master.close()  # two masters on one bus would take each other's answers
        state, boots, written, settings, set_up, own, cursor, window, acknowledge, command = document.COMMANDS
        block = self.mbpoll(state)
        self.assertEqual(block[:2], [document.CONSTANTS["magic"], document.CONSTANTS["map_version"]])
        self.assertEqual(len(block), STATE[1])
        self.assertEqual(self.mbpoll(boots), [1])
        self.assertEqual(self.mbpoll(written), [34])
        before = self.mbpoll(settings)
        self.mbpoll(set_up)
        after = self.mbpoll(settings)
        self.assertEqual({PLACES["baud"]: 192, PLACES["terminator"]: 0x0D00},
                         {SETTINGS[0] + n: new for n, (old, new) in enumerate(zip(before, after)) if old != new})
        for one in (own, cursor):
            self.mbpoll(one)
        shown = self.mbpoll(window)
        self.assertEqual(shown[:5], [shown[-1], 0, 0, 34, document.CONSTANTS["slot_mark"]])
        self.mbpoll(acknowledge)
        self.mbpoll(command)
        self.assertEqual(self.hear(3), b"GO\r")
        self.master.client.connect()
        after = self.master.state()
        self.assertEqual((after["freed"], after["owner_id"], after["binding"], after["command_token"]), (34, OWNER, BINDING, 1))
        self.assertEqual(after["owner_name"].to_bytes(32, "big").rstrip(b"\0"), b"reader")
        self.assertEqual(after["flags"] & document.words("Flag")["settings_default"], 0)

    def test_the_request_of_the_document_is_answered_as_it_stands(self):
        self.master.close()
        with self.adapter.open_bus() as bus:
            bus.sendall(document.EXAMPLE_REQUEST)
            answer = b""
            while len(answer) < 3 + 2 * WINDOW[1] + 2:
                answer += bus.recv(256)
        self.assertEqual(answer[:3], bytes([UNIT, 23, 2 * WINDOW[1]]))
        self.assertEqual(int.from_bytes(answer[5:9], "big"), 34)
        self.assertEqual(int.from_bytes(answer[9:11], "big"), 0)

    def test_a_new_adapter_says_who_it_is(self):
        state = self.master.state()
        self.assertEqual(state["magic"], document.CONSTANTS["magic"])
        self.assertEqual(state["board"], document.words("Board")["qemu"])
        self.assertEqual(state["storage"], document.words("Storage")["semihosting"])
        self.assertEqual(state["reset_cause"], document.words("ResetCause")["unknown"])
        self.assertEqual(state["flags"], document.words("Flag")["settings_default"])
        self.assertEqual((state["boots"], state["owner_id"], state["freed"], state["settings_refused"]), (1, 0, 0, 0))
        self.assertEqual(state["capacity_kib"], 124)
        self.assertGreaterEqual(self.master.state()["uptime_ms"], state["uptime_ms"])
        self.assertEqual(self.master.read(*document.BLOCKS["fault"]), [0] * 14)
        (restart, _), = self.master.slots()
        self.assertEqual((restart.kind, restart.sequence, restart.boot), (document.words("SlotKind")["restart"], 0, 1))
        at_first = [document.number(number) for row in document.rows("`settings`") for number in row[5].split(", ")]
        self.assertEqual(self.master.read(*SETTINGS), at_first + [0] * (SETTINGS[1] - len(at_first)))

    def test_settings_are_written_and_one_that_cannot_be_is_named(self):
        settings = self.master.read(*SETTINGS)
        settings[PLACES["idle_ms"] - SETTINGS[0]] = 500
        self.master.write(SETTINGS[0], settings)
        self.assertEqual(self.master.read(*SETTINGS), settings)
        for name, _, _, _, values, _, refused_as, _ in document.rows("`settings`"):
            if "…" not in values:
                continue
            place, most = PLACES[name] - SETTINGS[0], document.number(values.split("…")[1])
            with self.subTest(setting=name):
                self.refused(3, self.master.write, SETTINGS[0], settings[:place] + [most + 1] + settings[place + 1:])
                self.assertEqual(self.master.state()["settings_refused"], int(refused_as))
        self.assertEqual(self.master.read(*SETTINGS), settings)
        self.cut_power()
        self.assertEqual(self.master.read(*SETTINGS), settings)
        self.master.write(SETTINGS[0], settings)
        self.assertEqual(self.master.state()["settings_refused"], 0)

    def test_what_the_instrument_says_is_in_the_window(self):
        said = [f"{n:03} {'x' * (37 * n % 200)}\n".encode() for n in range(40)]
        self.instrument.sendall(b"".join(said) + b"no end")
        self.assertEqual(self.wait_data(41), said + [b"no end"])
        slots = [slot for slot, _ in self.master.slots()]
        self.assertEqual([slot.sequence for slot in slots], list(range(42)))
        self.assertEqual(slots[-1].offset, sum(map(len, said)))
        ends = document.words("SlotEnd")
        self.assertEqual({slot.end for slot in slots[1:-1]}, {ends["terminator"]})
        self.assertEqual(slots[-1].end, ends["idle"])
        self.assertEqual(self.master.state()["heard"], sum(map(len, said)) + 6)

    def test_only_the_owner_makes_it_forget(self):
        self.instrument.sendall(b"one\ntwo\n")
        self.wait_data(2)
        end = self.master.slots()[1][1]
        self.refused(3, self.master.acknowledge, end, 0)
        self.master.own()
        self.refused(3, self.master.acknowledge, end, BINDING + 1)
        self.refused(3, self.master.acknowledge, end - 1)
        self.refused(3, self.master.own, OWNER + 1)  # another's slots wait
        self.master.acknowledge(end)
        self.assertEqual(self.data(), [b"two\n"])
        self.master.acknowledge(end)  # said again: the answer may have been lost
        self.assertEqual(self.master.state()["freed"], end)
        self.assertEqual(self.master.state()["freed_data"], 4)

    def test_what_is_not_acknowledged_outlives_the_loss_of_power_and_what_is_does_not_come_back(self):
        self.master.own()
        dice = random.Random(1)
        said, taken, sequence = 0, [], 0
        for power_cut in range(4):
            lines = [f"{said + n:05}\n".encode() for n in range(60)]
            said += len(lines)
            self.instrument.sendall(b"".join(lines))
            self.wait_data(dice.randrange(1, 20))
            before = self.master.slots()
            acknowledged = before[dice.randrange(len(before))]
            self.master.acknowledge(acknowledged[1])
            taken += [slot for slot, position in before if position <= acknowledged[1]]
            self.cut_power()
            after = self.master.slots()
            kept = [slot.sequence for slot, _ in after]
            self.assertEqual(kept, list(range(acknowledged[0].sequence + 1, acknowledged[0].sequence + 1 + len(kept))))
            self.assertGreaterEqual(kept[-1], before[-1][0].sequence + 1)  # all that was seen, and that it began anew
            self.assertEqual(after[-1][0].kind, document.words("SlotKind")["restart"])
            for old, new in zip([slot for slot, position in before if position > acknowledged[1]], [slot for slot, _ in after]):
                self.assertEqual((old.sequence, old.offset, old.payload), (new.sequence, new.offset, new.payload))
            self.assertEqual(self.master.state()["boots"], power_cut + 2)
        everything = taken + [slot for slot, _ in self.master.slots()]
        self.assertEqual([slot.sequence for slot in everything], list(range(len(everything))))
        offset = 0
        for slot in everything:
            self.assertEqual(slot.offset, offset)
            offset += slot.payload_bytes if slot.kind == document.words("SlotKind")["data"] else 0

    def test_a_frame_that_the_instrument_was_told_is_kept_is_kept(self):
        """ASTM: ACK comes from the adapter, and power goes at any moment."""
        settings = self.master.read(*SETTINGS)
        settings[PLACES["framing"] - SETTINGS[0]] = document.words("Framing")["astm"]
        settings[PLACES["answer"] - SETTINGS[0]] = document.words("Answer")["astm"]
        self.master.write(SETTINGS[0], settings)
        self.assertEqual(self.master.read(*SETTINGS), settings)  # in force; what is said before ends where they change
        dice = random.Random(2)
        told, under_way = [], []
        for _ in range(5):
            for _ in range(dice.randrange(1, 40)):
                told.append(frame(len(told), dice))
                self.instrument.sendall(told[-1])
                self.assertEqual(self.hear(1), b"\x06")
            under_way.append(frame(len(told), dice))
            self.instrument.sendall(under_way[-1])
            time.sleep(dice.uniform(0, 0.01))
            self.cut_power()
        kept = [payload for payload in self.data() if payload.startswith(b"\x02")]
        self.assertEqual([payload for payload in kept if payload not in under_way], told)

    def test_exceptions(self):
        read, write = self.master.read, self.master.write
        with self.subTest("1: a function it has not"):
            for what in (self.master.client.read_coils, self.master.client.read_discrete_inputs):
                self.assertEqual(what(0, 1, slave=UNIT).exception_code, 1)
        with self.subTest("2: an address outside the blocks, over the end of one, or of one that is not to be read"):
            for address, count in ((STATE[1], 1), (STATE[1] - 1, 2), (document.BLOCKS["command"][0], 1), (0xFFFF, 1)):
                self.refused(2, read, address, count)
            self.refused(2, write, STATE[0], [0])
            self.refused(2, write, SETTINGS[0], [1])  # written whole
            self.assertEqual(self.master.client.write_register(SETTINGS[0], 1, slave=UNIT).exception_code, 2)
        with self.subTest("3: a count that is not allowed"):
            self.refused(3, read, 0, 126)
            self.refused(3, read, 0, 0)
        self.assertEqual(self.master.state()["bad_frames"], 0)


class CommandTest(unittest.TestCase):
    """`marrowlink-gateway adapter`, beside a gateway that runs and one that does not."""

    INSTRUMENT = """
[[instrument]]
id = "{id}"
driver = "line"
terminator = "\\r\\n"
baud = 19200
adapter = {{ port = "{bus}", parity = "none", unit = {unit}, response_timeout_ms = 300 }}
"""

    def setUp(self):
        self.world = World(prefix="marrowlink-adapter-")
        self.addCleanup(self.world.stop)
        self.adapter = Adapter(self.world.directory)
        self.addCleanup(self.adapter.stop)
        self.adapter.start()
        self.instrument = self.adapter.open_instrument()
        self.addCleanup(self.instrument.close)

    def configure(self, *instruments, gateway="gw1"):
        """(id, unit) of each. The gateway's process, not started."""
        return self.world.gateway("".join(self.INSTRUMENT.format(id=name, unit=unit, bus=self.adapter.port) for name, unit in instruments),
                                  gateway=gateway)

    def command(self, *words):
        """Exit code, what it printed, and its error."""
        done = subprocess.run([BIN / "marrowlink-gateway", "adapter", *words, "-c", self.world.path("gateway.toml")], capture_output=True,
                              text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def done(self, *words):
        code, out, error = self.command(*words)
        self.assertEqual((0, ""), (code, error), f"adapter {' '.join(words)}\n{out}")
        return out

    def refused(self, expected, *words):
        code, out, error = self.command(*words)
        self.assertEqual(expected, code, f"adapter {' '.join(words)}\n{out}{error}")
        return out + error

    def say(self, *messages):
        self.instrument.sendall(b"".join(messages))
        wait_until(lambda: all(message.strip().decode() in self.done("log", "reader") for message in messages), 20, "the messages to be kept")

    def test_a_new_adapter_is_shown_set_and_read(self):
        self.configure(("reader", 1))
        self.assertRegex(self.done("list"), r"^reader: unit 1 on \S+adapter-port 115200 8N1: firmware \d+\.\d+\.\d+, a file of QEMU's host, 1 start, "
                                            r"nobody's, 34 bytes wait; no settings were kept")
        shown = self.done("show", "reader")
        self.assertIn("9600   <- the configuration asks for 19200", shown)
        told = json.loads(self.done("show", "reader", "--json"))
        self.assertEqual((told["boots"], told["log"]["waiting_bytes"], told["board"]), (1, 34, "QEMU"))
        self.assertNotIn("owner", told)
        changed = self.done("set", "reader")
        self.assertIn("baud: 19200, before: 9600", changed)
        self.assertIn("a message ends: behind 0Dh 0Ah, before: behind 0Ah", changed)
        self.assertIn("already", self.done("set", "reader"))
        self.say(b"12.01 g\r\n", b"12.02 g\r\n")
        waits = json.loads(self.done("list", "--json"))["adapters"][0]
        self.assertTrue(waits["owner"]["is_this_gateway"])
        for _ in range(2):  # nothing is freed
            log = self.done("log", "reader").splitlines()
            self.assertEqual(len(log), 4, log)
            self.assertRegex(log[1], r"^ +0 +1 +0 .*The adapter began anew here")
            self.assertRegex(log[2], r"^ +34 +1 +9  20\d\d-\S+Z +12\.01 g\\r\\n$")
        self.assertEqual(json.loads(self.done("show", "reader", "--json"))["log"], waits["log"])

    def test_what_another_gateway_has_not_got_is_lost_only_when_that_is_asked_for(self):
        self.configure(("reader", 1), gateway="gw2")
        self.done("set", "reader")
        self.say(b"12.01 g\r\n")
        self.configure(("reader", 1))
        said = self.refused(65, "set", "reader")
        self.assertIn("1 message of 9 bytes", said)
        self.assertIn("--take-over", said)
        self.assertIn("12.01 g", self.done("log", "reader"))
        self.assertIn("another owner's", self.done("list"))
        self.assertIn("thrown away", self.done("set", "reader", "--take-over"))
        self.assertIn("this gateway's", self.done("list"))
        self.assertEqual(len(self.done("log", "reader").splitlines()), 1)

    def test_mistakes_are_named_and_what_does_not_answer_is_said(self):
        self.configure(("reader", 1), ("silent", 2))
        self.assertIn('behind one: "reader", "silent"', self.refused(64, "show", "balance"))
        self.refused(64, "show")
        self.refused(64)
        listed = self.refused(69, "list")
        self.assertIn("reader: unit 1 on", listed)
        self.assertRegex(listed, "silent: unit 2 on .*did not answer")
        self.assertIn("1 of 2 adapters could not be read", listed)
        self.assertIn("Has it power", self.refused(69, "set", "silent"))
        self.world.path("gateway.toml").write_text("site = 1\n")
        self.refused(78, "list")

    def test_beside_a_running_gateway_it_is_the_gateway_that_is_asked(self):
        gateway = self.configure(("reader", 1))
        gateway.start()
        wait_until(lambda: "this gateway's" in self.done("list"), 20, "the gateway to own the adapter")
        self.instrument.sendall(b"12.01 g\r\n")
        wait_until(lambda: json.loads(self.done("show", "reader", "--json"))["log"]["freed_data_bytes"] == 9, 20, "the message to be durable")
        for words in (("set", "reader"), ("log", "reader")):
            said = self.refused(69, *words)
            self.assertIn("The gateway is running", said)
            self.assertIn("sudo systemctl stop marrowlink-gateway", said)
        with self.subTest("a gateway that does not answer where the configuration says"):
            config = self.world.path("gateway.toml")
            known = config.read_text()
            config.write_text(known.replace(str(self.world.socket), f"{self.world.socket}-other"))
            self.assertRegex(self.refused(69, "log", "reader"), r"is held by \S+ \(process \d+\)")
            config.write_text(known)
        self.adapter.kill()
        self.assertRegex(self.refused(69, "show", "reader"), "did not answer|is not there|Was it unplugged")
        gateway.stop()


if __name__ == "__main__":
    unittest.main()
