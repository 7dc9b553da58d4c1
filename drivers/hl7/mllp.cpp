#include "drivers/hl7/mllp.hpp"

#include <algorithm>
#include <array>

namespace marrowlink::hl7 {

namespace {
constexpr std::array<char, 2> end_bytes{end_block, carriage_return};
constexpr std::string_view end_of_message{end_bytes.data(), end_bytes.size()};
}  // namespace

Event next_event(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (bytes[0] != begin_block) return {Heard::noise, std::min(bytes.find(begin_block), bytes.size()), {}};
    std::size_t const end = bytes.find(end_of_message, 1);
    std::size_t const anew = bytes.find(begin_block, 1);
    if (anew < end) return {Heard::cut, anew, {}};
    if (end == std::string_view::npos) {
        if (bytes.size() > message_bytes_max + 2) return {Heard::too_long, bytes.size(), {}};
        return {};
    }
    std::size_t const all = end + end_of_message.size();
    if (end - 1 > message_bytes_max) return {Heard::too_long, all, {}};
    return {Heard::message, all, bytes.substr(1, end - 1)};
}

std::string framed(std::string_view message) {
    std::string out(1, begin_block);
    out += message;
    out += end_of_message;
    return out;
}

}  // namespace marrowlink::hl7
