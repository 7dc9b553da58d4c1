#include "io/adapter.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/sha256.hpp"

namespace marrowlink {
namespace {
namespace map = wire::adapter;

std::string text_at(std::vector<std::uint16_t> const& registers, std::size_t at, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += {static_cast<char>(registers[at + i] >> 8), static_cast<char>(registers[at + i])};
    return out.substr(0, out.find('\0'));
}
}  // namespace

std::string_view name_of_setting(std::uint16_t refused) {
    constexpr std::string_view names[] = {"unit",
                                          "bus baud",
                                          "bus parity",
                                          "baud",
                                          "data bits",
                                          "parity",
                                          "stop bits",
                                          "flow control",
                                          "framing",
                                          "idle time",
                                          "terminator's length",
                                          "terminator",
                                          "terminator",
                                          "place of the length field",
                                          "width of the length field",
                                          "byte order of the length field",
                                          "addition to the length field",
                                          "answer"};
    return refused >= 1 && refused <= std::size(names) ? names[refused - 1] : "spare register";
}

std::uint64_t number_at(std::vector<std::uint16_t> const& registers, std::size_t at, std::size_t count) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < count; ++i) out = out << 16 | registers[at + i];
    return out;
}
void put_u64(std::vector<std::uint16_t>& registers, std::uint64_t value) {
    for (int shift = 48; shift >= 0; shift -= 16) registers.push_back(static_cast<std::uint16_t>(value >> shift));
}

std::string describe(ModbusMaster const& bus, AdapterPlace const& place) { return fmt::format("unit {} on {}", place.unit, bus.name()); }

ModbusRequest adapter_request(AdapterPlace const& place, ModbusFunction function, std::uint16_t address, std::size_t count) {
    ModbusRequest request;
    request.unit = place.unit;
    request.function = function;
    request.address = address;
    request.count = static_cast<std::uint16_t>(count);
    request.response_timeout = place.response_timeout;
    return request;
}

Task<Result<ModbusAnswer>> ask_adapter(ModbusMaster& bus, ModbusRequest request) {
    for (int attempt = 1;; ++attempt) {
        auto answer = co_await bus.ask(request);
        if (answer) co_return *std::move(answer);
        bool const worth = answer.error().fault == Fault::timed_out || answer.error().fault == Fault::refused;
        if (!worth || attempt == adapter_attempts_max) co_return fail(answer.error());
    }
}

Result<void> adapter_done(ModbusMaster const& bus, AdapterPlace const& place, Result<ModbusAnswer> const& answer, std::string_view what) {
    if (!answer) return fail(answer.error());
    if (answer->done()) return {};
    return fail(answer->busy() ? Fault::unavailable : Fault::refused,
                fmt::format("The adapter, {}, did not {}: {}.", describe(bus, place), what, words_of_exception(answer->exception)));
}

std::string_view words_of(map::ResetCause cause) {
    switch (cause) {
        case map::ResetCause::power: return "its power came back";
        case map::ResetCause::pin: return "its reset button";
        case map::ResetCause::software: return "its own program";
        case map::ResetCause::watchdog: return "its watchdog: it had stopped";
        case map::ResetCause::brown_out: return "its supply was too low";
        case map::ResetCause::fault: return "a fault of its program, told by its block \"fault\"";
        case map::ResetCause::unknown: break;
    }
    return "it does not know why";
}

Result<map::Settings> adapter_settings(SerialSettings const& line, std::string_view terminator, bool answers_astm) {
    map::Settings out;
    if (line.baud % 100 != 0)
        return fail(Fault::refused,
                    fmt::format("An adapter's line cannot have {} baud; expected 300 to 115200 in the usual steps.", line.baud));
    out.baud = line.baud;
    out.data_bits = static_cast<std::uint8_t>(line.data_bits);
    out.parity = line.parity == Parity::none ? map::Parity::none : line.parity == Parity::odd ? map::Parity::odd : map::Parity::even;
    out.stop_bits = static_cast<std::uint8_t>(line.stop_bits);
    out.flow = line.flow == FlowControl::none ? map::Flow::none : line.flow == FlowControl::hardware ? map::Flow::rts : map::Flow::xoff;
    if (answers_astm) {
        out.framing = map::Framing::astm;
        out.answer = map::Answer::astm;
    } else if (terminator.empty() || terminator.size() > out.terminator.size()) {
        out.framing = map::Framing::idle;
        out.idle_ms = 20;
    } else {
        out.framing = map::Framing::terminator;
        out.terminator_bytes = static_cast<std::uint8_t>(terminator.size());
        out.terminator = {};
        std::copy(terminator.begin(), terminator.end(), out.terminator.begin());
    }
    map::Settings checked;
    if (auto const refused = map::decode(map::encode(out), checked); refused != 0)
        return fail(Fault::refused,
                    fmt::format("An adapter's line cannot have the {} that this one has (baud 300 to 115200 in the usual steps, seven "
                                "data bits only with parity).",
                                name_of_setting(refused)));
    return out;
}

std::uint64_t adapter_owner_id(std::string const& owner) {
    Sha256 hash;
    hash.update("marrowlink adapter owner ").update(owner);
    Digest const digest = hash.finish();
    std::uint64_t id = 0;
    for (std::size_t i = 0; i < 8; ++i) id = id << 8 | digest[i];
    return id == 0 ? 1 : id;
}

Task<Result<AdapterState>> read_adapter(ModbusMaster& bus, AdapterPlace const& place) {
    namespace at = map::state;
    auto const answer = co_await bus.ask(adapter_request(place, ModbusFunction::read_holding_registers, at::base, at::count));
    if (!answer && answer.error().fault == Fault::timed_out)
        co_return fail(Fault::timed_out,
                       fmt::format("{} Has it power, is the bus connected, and are unit, baud and parity the adapter's (a "
                                   "new one is unit 1 at 115200 8E1)?",
                                   answer.error().message));
    if (!answer) co_return fail(answer.error());
    if (!answer->done() || answer->values[at::magic] != map::magic)
        co_return fail(Fault::refused,
                       fmt::format("What answers as {} is no Marrowlink adapter ({}).", describe(bus, place),
                                   answer->done() ? fmt::format("register 0 is {:04X}h, expected {:04X}h", answer->values[0], map::magic)
                                                  : words_of_exception(answer->exception)));
    auto const& registers = answer->values;
    if (registers[at::map_version] != map::map_version)
        co_return fail(Fault::refused, fmt::format("The adapter, {}, has register map version {}; this gateway knows {}. Update {}.",
                                                   describe(bus, place), registers[at::map_version], map::map_version,
                                                   registers[at::map_version] > map::map_version ? "the gateway" : "the adapter"));
    AdapterState out;
    out.firmware_major = registers[at::firmware] >> 8;
    out.firmware_minor = registers[at::firmware] & 0xFF;
    out.firmware_patch = registers[at::firmware + 1];
    out.board = static_cast<map::Board>(registers[at::board]);
    out.storage = static_cast<map::Storage>(registers[at::storage]);
    out.reset_cause = static_cast<map::ResetCause>(registers[at::reset_cause]);
    std::copy_n(registers.begin() + at::hardware_id, out.hardware_id.size(), out.hardware_id.begin());
    out.flags = registers[at::flags];
    out.settings_refused = registers[at::settings_refused];
    out.boots = static_cast<std::uint32_t>(number_at(registers, at::boots, 2));
    out.uptime_ms = number_at(registers, at::uptime_ms, 4);
    out.owner_id = number_at(registers, at::owner_id, 4);
    out.binding = number_at(registers, at::binding, 4);
    out.owner_name = text_at(registers, at::owner_name, map::owner::name_registers);
    out.data_base = number_at(registers, at::data_base, 4);
    out.freed = number_at(registers, at::freed, 4);
    out.written = number_at(registers, at::written, 4);
    out.freed_data = number_at(registers, at::freed_data, 4);
    out.capacity_kib = registers[at::capacity_kib];
    out.heard = static_cast<std::uint32_t>(number_at(registers, at::heard, 2));
    out.refused = static_cast<std::uint32_t>(number_at(registers, at::refused, 2));
    out.damaged = registers[at::damaged];
    out.overruns = registers[at::overruns];
    out.bad_frames = registers[at::bad_frames];
    out.command_token = registers[at::command_token];
    co_return out;
}

Task<Result<map::Settings>> read_adapter_settings(ModbusMaster& bus, AdapterPlace const& place) {
    auto const answer =
        co_await bus.ask(adapter_request(place, ModbusFunction::read_holding_registers, map::settings::base, map::settings::count));
    auto const good = adapter_done(bus, place, answer, "give its settings");
    if (!good) co_return fail(good.error());
    map::SettingsRegisters registers;
    std::copy_n(answer->values.begin(), registers.size(), registers.begin());
    map::Settings settings;
    if (auto const refused = map::decode(registers, settings); refused != 0)
        co_return fail(Fault::refused, fmt::format("The adapter, {}, gives settings that cannot be: its {}.", describe(bus, place),
                                                   name_of_setting(refused)));
    co_return settings;
}

Task<Result<void>> write_adapter_settings(ModbusMaster& bus, AdapterPlace const& place, map::Settings const& settings) {
    auto request = adapter_request(place, ModbusFunction::write_multiple_registers, map::settings::base, 0);
    auto const registers = map::encode(settings);
    map::Settings checked;
    if (auto const refused = map::decode(registers, checked); refused != 0)
        co_return fail(Fault::refused, fmt::format("An adapter cannot have this {}.", name_of_setting(refused)));
    request.values.assign(registers.begin(), registers.end());
    auto const answer = co_await bus.ask(request);
    co_return adapter_done(bus, place, answer, "take the settings");
}

Task<Result<std::optional<map::Settings>>> settle_adapter(ModbusMaster& bus, AdapterPlace const& place, AdapterState const& state) {
    auto const in_force = co_await read_adapter_settings(bus, place);
    if (!in_force) co_return fail(in_force.error());
    map::Settings wanted = place.settings;
    wanted.unit = in_force->unit;
    wanted.bus_baud = in_force->bus_baud;
    wanted.bus_parity = in_force->bus_parity;
    if (wanted == *in_force && !state.has(map::Flag::settings_default)) co_return std::nullopt;
    auto const written = co_await write_adapter_settings(bus, place, wanted);
    if (!written) co_return fail(written.error());
    co_return *in_force;
}

Task<Result<void>> own_adapter(ModbusMaster& bus, AdapterPlace const& place, std::uint64_t binding, std::uint64_t data_base) {
    auto request = adapter_request(place, ModbusFunction::write_multiple_registers, map::owner::base, 0);
    put_u64(request.values, adapter_owner_id(place.owner));
    put_u64(request.values, binding);
    put_u64(request.values, data_base);
    for (std::size_t i = 0; i < map::owner::name_bytes_max; i += 2) {
        auto const byte = [&](std::size_t at) {
            return at < place.instrument.size() ? static_cast<std::uint8_t>(place.instrument[at]) : 0;
        };
        request.values.push_back(static_cast<std::uint16_t>(byte(i) << 8 | byte(i + 1)));
    }
    auto const answer = co_await bus.ask(request);
    co_return adapter_done(bus, place, answer, "take another owner while it keeps something of the one before");
}

}  // namespace marrowlink
