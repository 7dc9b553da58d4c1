// The adapter's Modbus registers, for both sides of the line. docs/adapter-registers.md is the same for people and other tools; a test
// holds them together. Addresses are those on the wire, from 0; holding registers (function 3) and input registers (4) show the same.
#pragma once

#include <array>
#include <cstdint>

namespace marrowlink::wire::adapter {

inline constexpr std::uint16_t magic = 0x4D4C;  // "ML"
inline constexpr std::uint16_t map_version = 1;

// Who it is, how it is. Read in one request it is of one moment; read in several, `guard_first` and `guard_last` must agree.
namespace state {
inline constexpr std::uint16_t base = 0, count = 72;
inline constexpr std::uint16_t magic = 0, map_version = 1, guard_first = 2;
inline constexpr std::uint16_t firmware = 3;           // major × 256 + minor; then patch
inline constexpr std::uint16_t board = 5;              // Board
inline constexpr std::uint16_t storage = 6;            // Storage
inline constexpr std::uint16_t hardware_id = 7;        // 96 bits, all zero where the chip has none
inline constexpr std::uint16_t flags = 13;             // Flag
inline constexpr std::uint16_t settings_refused = 14;  // Setting that the last write failed at, plus 1; 0: it was taken
inline constexpr std::uint16_t reset_cause = 15;       // ResetCause
inline constexpr std::uint16_t boots = 16;             // 32 bits
inline constexpr std::uint16_t uptime_ms = 18;         // 64 bits
inline constexpr std::uint16_t owner_id = 22;          // 64 bits: whose line it keeps; 0: nobody's
inline constexpr std::uint16_t owner_name = 26;        // 16 registers, 32 characters, padded with zeros
inline constexpr std::uint16_t data_base = 42;         // 64 bits, added to a slot's `offset`; what the owner had received before
inline constexpr std::uint16_t freed = 46;             // 64 bits: position in the log up to which the gateway has acknowledged
inline constexpr std::uint16_t written = 50;           // 64 bits: position up to which there are slots
inline constexpr std::uint16_t capacity_kib = 54;      // of the log
inline constexpr std::uint16_t heard = 55;             // 32 bits: bytes from the instrument since the start
inline constexpr std::uint16_t refused = 57;           // 32 bits: bytes for which there was no room, since the start
inline constexpr std::uint16_t damaged = 59;        // 16 bits, stops at 65535: characters with a framing or parity error, since the start
inline constexpr std::uint16_t overruns = 60;       // 16 bits, stops at 65535: characters that came faster than they could be taken
inline constexpr std::uint16_t bad_frames = 61;     // 16 bits, stops at 65535: Modbus frames whose CRC did not hold
inline constexpr std::uint16_t command_token = 62;  // of the last command that was taken
inline constexpr std::uint16_t freed_data = 63;     // 64 bits: bytes of data in all slots before `freed`, since the log began
inline constexpr std::uint16_t binding = 67;        // 64 bits: the owner's number for this log, another for each adapter it ever had
inline constexpr std::uint16_t guard_last = 71;
}  // namespace state

// The processor's registers at the last fault, each 32 bits. All zero: there was none since power came.
namespace fault {
inline constexpr std::uint16_t base = 128, count = 14;
inline constexpr std::uint16_t number = 0;  // of faults since power came, 16 bits; then one register that is zero
inline constexpr std::uint16_t pc = 2, lr = 4, psr = 6, cfsr = 8, hfsr = 10, bfar = 12;
}  // namespace fault

// The log from the cursor on, as far as it fits. Bytes stand two to a register, the first one high.
namespace window {
inline constexpr std::uint16_t base = 256, count = 125;
inline constexpr std::uint16_t guard_first = 0;
inline constexpr std::uint16_t position = 1;  // 32 bits: the low half of the cursor
inline constexpr std::uint16_t bytes = 3;     // how many of the following are of the log
inline constexpr std::uint16_t data = 4, data_registers = 120;
inline constexpr std::uint16_t guard_last = 124;
inline constexpr std::size_t data_bytes_max = 2 * data_registers;
}  // namespace window

// Written from `base` or from `cursor` to the end of the block, in one request.
namespace control {
inline constexpr std::uint16_t base = 512, count = 12;
inline constexpr std::uint16_t binding = 0;  // 64 bits; must be the adapter's own, or exception 3
inline constexpr std::uint16_t freed = 4;    // 64 bits: every slot before this position may go; the end of a slot, or exception 3
inline constexpr std::uint16_t cursor = 8;   // 64 bits: where the window begins; within the log, or exception 3
}  // namespace control

// Bytes for the instrument. The same token twice is the same command, sent once.
namespace command {
inline constexpr std::uint16_t base = 768;
inline constexpr std::uint16_t token = 0, bytes = 1, data = 2;
inline constexpr std::size_t data_bytes_max = 240;
}  // namespace command

// Whose it is, written whole. Another owner only while no slot waits; else exception 3. The same one may
// write another binding and base at any time.
namespace owner {
inline constexpr std::uint16_t base = 896, count = 28;
inline constexpr std::uint16_t id = 0, binding = 4, data_base = 8, name = 12, name_registers = 16;
inline constexpr std::size_t name_bytes_max = 2 * name_registers;
}  // namespace owner

// Written whole, in one request; refused as a whole. In force at once, those of the bus after the answer.
namespace settings {
inline constexpr std::uint16_t base = 1'024, count = 24;
}  // namespace settings

enum class Board : std::uint16_t { host = 0, stm32f405 = 1, qemu = 2 };
enum class Storage : std::uint16_t { ram = 0, fram = 1, semihosting = 2 };  // of RAM nothing is left after a reset
enum class ResetCause : std::uint16_t { unknown = 0, power = 1, pin = 2, software = 3, watchdog = 4, brown_out = 5, fault = 6 };

enum class Flag : std::uint16_t {
    log_full = 1,          // no slot can be written until some are freed
    stopped = 2,           // the instrument is held by flow control
    storage_failed = 4,    // the log could not be written; nothing is taken
    settings_default = 8,  // none were kept, or what was kept did not hold
    fault_recorded = 16,   // the fault block tells of the one before the last start
    wrong_line = 32,       // of the last 64 characters more than a quarter were damaged: probably a wrong baud rate or parity
};

enum class Parity : std::uint8_t { none = 0, odd = 1, even = 2 };
enum class Flow : std::uint8_t { none = 0, rts = 1, xoff = 2 };
enum class Framing : std::uint8_t { idle = 0, terminator = 1, length = 2, astm = 3 };
enum class Answer : std::uint8_t { never = 0, astm = 1 };

// The place of each setting in its block, in registers.
enum class Setting : std::uint16_t {
    unit = 0,      // 1…247
    bus_baud = 1,  // in hundreds: 1152 is 115,200
    bus_parity = 2,
    baud = 3,       // of the instrument's line, in hundreds
    data_bits = 4,  // 7 (with parity only) or 8
    parity = 5,
    stop_bits = 6,  // 1 or 2
    flow = 7,
    framing = 8,
    idle_ms = 9,                // a slot ends after this silence, whatever its framing; 1…60,000
    terminator_bytes = 10,      // 1…4
    terminator = 11,            // two registers, the first byte high
    length_at = 13,             // where in a message its length stands; 0…32
    length_bytes = 14,          // 1 or 2
    length_little_endian = 15,  // 0 or 1
    length_adds = 16,           // message = length + this; 0…1,024
    answer = 17,                // what the adapter says by itself, after the slot is written
    last = 17,
};

struct Settings {
    std::uint8_t unit = 1;
    std::uint32_t bus_baud = 115'200;
    Parity bus_parity = Parity::even;
    std::uint32_t baud = 9'600;
    std::uint8_t data_bits = 8;
    Parity parity = Parity::none;
    std::uint8_t stop_bits = 1;
    Flow flow = Flow::none;
    Framing framing = Framing::terminator;
    std::uint16_t idle_ms = 200;
    std::uint8_t terminator_bytes = 1;
    std::array<std::uint8_t, 4> terminator{'\n', 0, 0, 0};
    std::uint8_t length_at = 0;
    std::uint8_t length_bytes = 1;
    bool length_little_endian = false;
    std::uint16_t length_adds = 0;
    Answer answer = Answer::never;

    bool operator==(Settings const&) const = default;
};

using SettingsRegisters = std::array<std::uint16_t, settings::count>;  // what follows the last setting is zero

SettingsRegisters encode(Settings const& settings);

// 0: `settings` holds what the registers say. Else 1 + the Setting that cannot be, or `settings::count` where a spare register is not zero.
std::uint16_t decode(SettingsRegisters const& registers, Settings& settings);

}  // namespace marrowlink::wire::adapter
