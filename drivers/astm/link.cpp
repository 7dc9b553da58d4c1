#include "drivers/astm/link.hpp"

#include <algorithm>

namespace marrowlink::astm {

namespace {

Event frame_of(std::string_view bytes) {
    constexpr std::string_view ends{"\x03\x17\x02\x05\x04", 5};  // the last three begin something else
    std::size_t const end = bytes.find_first_of(ends, 1);
    if (end == std::string_view::npos) {
        if (bytes.size() > frame_bytes_max + 2) return {Heard::damaged, bytes.size(), 0, {}};
        return {};
    }
    if (bytes[end] != etx && bytes[end] != etb) return {Heard::damaged, end, 0, {}};
    if (bytes.size() < end + 4) return {};
    // Behind the checksum stands a CR; its LF may come later, and means nothing by itself. Two captures have the LF alone.
    std::size_t const all = end + 4 + (bytes.substr(end + 3, 2) == "\r\n" ? 1 : 0);
    auto const* const wire_bytes = reinterpret_cast<std::uint8_t const*>(bytes.data());
    bool const good =
        end >= 2 && end - 2 <= frame_bytes_max && (bytes[end + 3] == '\r' || bytes[end + 3] == '\n') &&
        wire::astm::sum_holds(wire::Bytes(wire_bytes, bytes.size()).subspan(1, end), wire_bytes[end + 1], wire_bytes[end + 2]);
    if (good) return {Heard::frame, all, bytes[1], bytes.substr(2, end - 2)};
    // Where its end is damaged too, the next control character begins what follows.
    std::size_t const next = bytes.find_first_of(std::string_view{"\x02\x04\x05", 3}, end);
    return {Heard::damaged, std::min(all, next), 0, {}};
}

}  // namespace

Event next_event(std::string_view bytes) {
    if (bytes.empty()) return {};
    switch (bytes[0]) {
        case enq: return {Heard::enquiry, 1, 0, {}};
        case eot: return {Heard::end, 1, 0, {}};
        case stx: return frame_of(bytes);
        default: break;
    }
    std::size_t const next = bytes.find_first_of(std::string_view{"\x02\x04\x05", 3});
    return {Heard::noise, std::min(next, bytes.size()), 0, {}};
}

}  // namespace marrowlink::astm
