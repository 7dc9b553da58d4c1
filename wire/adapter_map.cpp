#include "wire/adapter_map.hpp"

namespace marrowlink::wire::adapter {
namespace {
// What boards can be set to within 2 %, in hundreds of baud.
constexpr std::uint16_t bauds[] = {3, 6, 12, 24, 48, 96, 144, 192, 384, 576, 1'152};

constexpr std::size_t place(Setting setting) { return static_cast<std::size_t>(setting); }
constexpr std::uint16_t refusal(Setting setting) { return static_cast<std::uint16_t>(place(setting) + 1); }

struct Limit {
    Setting setting;
    std::uint16_t least, most;
};
constexpr Limit limits[] = {
    {Setting::unit, 1, 247},           {Setting::bus_parity, 0, 2}, {Setting::data_bits, 7, 8},    {Setting::parity, 0, 2},
    {Setting::stop_bits, 1, 2},        {Setting::flow, 0, 2},       {Setting::framing, 0, 3},      {Setting::idle_ms, 1, 60'000},
    {Setting::terminator_bytes, 1, 4}, {Setting::length_at, 0, 32}, {Setting::length_bytes, 1, 2}, {Setting::length_little_endian, 0, 1},
    {Setting::length_adds, 0, 1'024},  {Setting::answer, 0, 1},
};

bool is_baud(std::uint16_t hundreds) {
    for (std::uint16_t const baud : bauds)
        if (baud == hundreds) return true;
    return false;
}
}  // namespace

SettingsRegisters encode(Settings const& settings) {
    SettingsRegisters out{};
    auto const put = [&](Setting at, std::uint32_t value) { out[place(at)] = static_cast<std::uint16_t>(value); };
    put(Setting::unit, settings.unit);
    put(Setting::bus_baud, settings.bus_baud / 100);
    put(Setting::bus_parity, static_cast<std::uint8_t>(settings.bus_parity));
    put(Setting::baud, settings.baud / 100);
    put(Setting::data_bits, settings.data_bits);
    put(Setting::parity, static_cast<std::uint8_t>(settings.parity));
    put(Setting::stop_bits, settings.stop_bits);
    put(Setting::flow, static_cast<std::uint8_t>(settings.flow));
    put(Setting::framing, static_cast<std::uint8_t>(settings.framing));
    put(Setting::idle_ms, settings.idle_ms);
    put(Setting::terminator_bytes, settings.terminator_bytes);
    for (std::size_t i = 0; i < 2; ++i)
        out[place(Setting::terminator) + i] = static_cast<std::uint16_t>(settings.terminator[2 * i] << 8 | settings.terminator[2 * i + 1]);
    put(Setting::length_at, settings.length_at);
    put(Setting::length_bytes, settings.length_bytes);
    put(Setting::length_little_endian, settings.length_little_endian);
    put(Setting::length_adds, settings.length_adds);
    put(Setting::answer, static_cast<std::uint8_t>(settings.answer));
    return out;
}

std::uint16_t decode(SettingsRegisters const& registers, Settings& settings) {
    auto const at = [&](Setting setting) { return registers[place(setting)]; };
    for (Limit const& limit : limits)
        if (at(limit.setting) < limit.least || at(limit.setting) > limit.most) return refusal(limit.setting);
    for (Setting const baud : {Setting::bus_baud, Setting::baud})
        if (!is_baud(at(baud))) return refusal(baud);
    if (at(Setting::data_bits) == 7 && at(Setting::parity) == 0) return refusal(Setting::data_bits);  // no frame of the USART has seven
    // Only a protocol whose frames the adapter can judge may be answered by it.
    if (at(Setting::answer) == 1 && at(Setting::framing) != static_cast<std::uint16_t>(Framing::astm)) return refusal(Setting::answer);
    for (std::size_t i = place(Setting::last) + 1; i < registers.size(); ++i)
        if (registers[i] != 0) return settings::count;
    settings.unit = static_cast<std::uint8_t>(at(Setting::unit));
    settings.bus_baud = at(Setting::bus_baud) * 100u;
    settings.bus_parity = static_cast<Parity>(at(Setting::bus_parity));
    settings.baud = at(Setting::baud) * 100u;
    settings.data_bits = static_cast<std::uint8_t>(at(Setting::data_bits));
    settings.parity = static_cast<Parity>(at(Setting::parity));
    settings.stop_bits = static_cast<std::uint8_t>(at(Setting::stop_bits));
    settings.flow = static_cast<Flow>(at(Setting::flow));
    settings.framing = static_cast<Framing>(at(Setting::framing));
    settings.idle_ms = at(Setting::idle_ms);
    settings.terminator_bytes = static_cast<std::uint8_t>(at(Setting::terminator_bytes));
    for (std::size_t i = 0; i < 4; ++i) {
        std::uint16_t const pair = registers[place(Setting::terminator) + i / 2];
        settings.terminator[i] = static_cast<std::uint8_t>(i % 2 == 0 ? pair >> 8 : pair);
    }
    settings.length_at = static_cast<std::uint8_t>(at(Setting::length_at));
    settings.length_bytes = static_cast<std::uint8_t>(at(Setting::length_bytes));
    settings.length_little_endian = at(Setting::length_little_endian) == 1;
    settings.length_adds = at(Setting::length_adds);
    settings.answer = static_cast<Answer>(at(Setting::answer));
    return 0;
}

}  // namespace marrowlink::wire::adapter
