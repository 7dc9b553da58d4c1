// An adapter on a Modbus bus: what it says of itself, its settings, whose it is. Register map: wire/adapter_map.hpp,
// docs/adapter-registers.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/modbus.hpp"
#include "io/serial.hpp"
#include "wire/adapter_map.hpp"

namespace marrowlink {

inline constexpr int adapter_attempts_max = 3;  // questions in a row without a good answer; then the connection is over

struct AdapterPlace {
    std::uint8_t unit = 1;
    std::chrono::milliseconds response_timeout{500};  // the adapter answers within 20 ms; the rest is for what lies between
    std::chrono::milliseconds poll{50};               // between two looks while nothing waits; 10 ms to 10 s
    std::string owner;                                // "site/gateway/instrument": whose line it is
    std::string instrument;                           // how it is called on the adapter; at most 32 characters
    wire::adapter::Settings settings;                 // of the instrument's line; those of the bus are left as they are
};

// What an adapter says of itself.
struct AdapterState {
    std::uint16_t firmware_major = 0, firmware_minor = 0, firmware_patch = 0;
    wire::adapter::Board board{};
    wire::adapter::Storage storage{};
    wire::adapter::ResetCause reset_cause{};
    std::uint16_t flags = 0, settings_refused = 0;
    std::uint32_t boots = 0;
    std::uint64_t uptime_ms = 0, owner_id = 0, binding = 0, data_base = 0, freed = 0, written = 0, freed_data = 0;
    std::uint32_t heard = 0, refused = 0;
    std::uint16_t damaged = 0, overruns = 0, bad_frames = 0, command_token = 0, capacity_kib = 0;
    std::string owner_name;
    std::array<std::uint16_t, 6> hardware_id{};  // all zero where the chip has none

    bool has(wire::adapter::Flag flag) const { return (flags & static_cast<std::uint16_t>(flag)) != 0; }
};

// `refused`: the unit is no adapter, or of another map version than this gateway knows.
Task<Result<AdapterState>> read_adapter(ModbusMaster& bus, AdapterPlace const& place);
Task<Result<wire::adapter::Settings>> read_adapter_settings(ModbusMaster& bus, AdapterPlace const& place);

// Taken as a whole, or `refused` with the name of the setting that cannot be.
Task<Result<void>> write_adapter_settings(ModbusMaster& bus, AdapterPlace const& place, wire::adapter::Settings const& settings);

// The settings of its line as `place` has them. What was in force before; nothing where that was the same and kept.
Task<Result<std::optional<wire::adapter::Settings>>> settle_adapter(ModbusMaster& bus, AdapterPlace const& place,
                                                                    AdapterState const& state);

// From now on it keeps for `place.owner`. `binding` is the owner's number for this log; `data_base` is added to what the log counts.
// `refused`: another's slots wait.
Task<Result<void>> own_adapter(ModbusMaster& bus, AdapterPlace const& place, std::uint64_t binding, std::uint64_t data_base);

// For a line like this. `terminator`: what ends a message; where it is empty or longer than four bytes, silence does. `answers_astm`: the
// adapter acknowledges ASTM frames by itself, and frames end messages. `refused`, with the name of what an adapter cannot have.
Result<wire::adapter::Settings> adapter_settings(SerialSettings const& line, std::string_view terminator, bool answers_astm);

std::uint64_t adapter_owner_id(std::string const& owner);  // of 64 bits, never 0

// For errors and logs: "unit 3 on /dev/ttyUSB0 115200 8E1".
std::string describe(ModbusMaster const& bus, AdapterPlace const& place);

// A request to the adapter at `place`, to be completed.
ModbusRequest adapter_request(AdapterPlace const& place, ModbusFunction function, std::uint16_t address, std::size_t count);

// A question whose answer is lost is asked again: none of those an adapter knows does more when it comes twice.
Task<Result<ModbusAnswer>> ask_adapter(ModbusMaster& bus, ModbusRequest request);

// Whether the adapter did what it was asked; else `unavailable` while it is busy, or `refused`, naming `what` it did not do.
Result<void> adapter_done(ModbusMaster const& bus, AdapterPlace const& place, Result<ModbusAnswer> const& answer, std::string_view what);

// Registers as the map has them: the high word first.
std::uint64_t number_at(std::vector<std::uint16_t> const& registers, std::size_t at, std::size_t count);
void put_u64(std::vector<std::uint16_t>& registers, std::uint64_t value);

std::string_view words_of(wire::adapter::ResetCause cause);
std::string_view name_of_setting(std::uint16_t refused);  // as wire::adapter::decode gives it

}  // namespace marrowlink
