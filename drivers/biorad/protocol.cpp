#include "drivers/biorad/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink::biorad {

namespace {
constexpr std::string_view answer_head = "ERE ", heading = "BIO-RAD", block_begin = ".begin\r", block_end = ".end\r";
constexpr std::size_t code_digits = 4;
}  // namespace

std::string encode(std::string_view command) { return fmt::format("EIA.READER {}\r", command); }

Event next_event(std::string_view bytes) {
    if (bytes.empty()) return {};
    std::string_view const begun = bytes.substr(0, answer_head.size());
    if (!answer_head.starts_with(begun)) {
        std::size_t const next = bytes.find(answer_head[0], 1);
        return {Heard::noise, std::min(next, bytes.size()), {}, {}};
    }
    std::size_t const end = bytes.find('\r');
    std::size_t const anew = bytes.find(answer_head, 1);
    if (end == std::string_view::npos && bytes.size() <= line_bytes_max && anew == std::string_view::npos) return {};
    if (end > line_bytes_max || anew < end) return {Heard::noise, std::min({anew, end, bytes.size()}), {}, {}};
    std::string_view const line = bytes.substr(0, end);
    std::string_view const code = line.substr(std::min(answer_head.size(), line.size())).substr(0, code_digits);
    std::string_view rest = line.substr(std::min(answer_head.size() + code_digits, line.size()));
    bool const good =
        code.size() == code_digits && code.find_first_not_of("0123456789") == std::string_view::npos && (rest.empty() || rest[0] == ' ');
    if (!good) return {Heard::noise, end + 1, {}, {}};
    if (!rest.empty()) rest.remove_prefix(1);
    if (!rest.starts_with(heading)) return {Heard::answer, end + 1, code, rest};

    std::size_t const from = static_cast<std::size_t>(rest.data() - bytes.data());
    // With a reference filter a second block follows.
    std::string_view const before = bytes.substr(0, bytes.find(block_begin));
    std::size_t const blocks = before.find("Ref. filter:") != std::string_view::npos ? 2 : 1;
    std::size_t at = from;
    for (std::size_t n = 0; n < blocks && at != std::string_view::npos; ++n) {
        at = bytes.find(block_end, at);
        if (at != std::string_view::npos) at += block_end.size();
    }
    if (anew < at) return {Heard::cut, anew, {}, {}};
    if (at == std::string_view::npos) return bytes.size() > plate_bytes_max ? Event{Heard::cut, bytes.size(), {}, {}} : Event{};
    if (at > plate_bytes_max) return {Heard::cut, at, {}, {}};
    return {Heard::plate, at, code, bytes.substr(from, at - from)};
}

std::string words_of(std::string_view code) {
    if (code == "8073") return "error 8073: the reader is not under remote control";
    return fmt::format("error {}, which the reader's manual explains", code);
}

}  // namespace marrowlink::biorad
