#include "gateway/adapter_slots.hpp"

#include <fmt/format.h>

namespace marrowlink {
namespace {
std::string printable(std::string_view bytes) {
    std::string out;
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        std::string const one = c == '\n'                    ? "\\n"
                                : c == '\r'                  ? "\\r"
                                : c == '\t'                  ? "\\t"
                                : c == '\\'                  ? "\\\\"
                                : byte < 0x20 || byte > 0x7E ? fmt::format("\\x{:02X}", byte)
                                                             : std::string(1, c);
        if (out.size() + one.size() > slot_text_bytes_max) return out + "…";
        out += one;
    }
    return out;
}

// Uptimes in slots are modulo 2^32 ms.
std::string time_of(AdapterSlot const& kept, AdapterState const& state, Clock::Utc now) {
    if (kept.slot.boot != state.boots) return fmt::format("{:.1f} s after that start", kept.slot.arrived_ms / 1'000.0);
    return rfc3339(now - std::chrono::milliseconds(static_cast<std::uint32_t>(state.uptime_ms) - kept.slot.arrived_ms));
}
}  // namespace

std::string slots_text(std::vector<AdapterSlot> const& slots, AdapterState const& state, Clock::Utc now) {
    std::string out = fmt::format("{:>10} {:>6} {:>6}  {:<25} {}\n", "position", "start", "bytes", "time", "data");
    for (AdapterSlot const& kept : slots)
        out += fmt::format("{:>10} {:>6} {:>6}  {:<25} {}\n", kept.position, kept.slot.boot, kept.is_data() ? kept.payload.size() : 0,
                           time_of(kept, state, now), kept.holds && kept.is_data() ? printable(kept.payload) : words_of_gap(kept));
    return out;
}

}  // namespace marrowlink
