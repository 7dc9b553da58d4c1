#include "drivers/spectramax/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace marrowlink::spectramax {
namespace {
constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

constexpr std::array<std::string_view, 12> two_field_commands = {"!ERROR",     "!OPTION",   "!PATHCAL",     "!QUEUE",
                                                                 "!READSTAGE", "!READTYPE", "!SPEED",       "!STATUS",
                                                                 "!TEMP",      "!TRANSFER", "!USER_NUMBER", "!WELLSCANMODE"};

constexpr std::array<std::pair<int, std::string_view>, 48> failures = {{
    {100, "command not found"},
    {101, "invalid argument"},
    {102, "too many arguments"},
    {103, "not enough arguments"},
    {104, "input line too long"},
    {105, "system busy"},
    {106, "measurement in progress"},
    {107, "no data to transfer"},
    {108, "data buffer full"},
    {109, "error buffer overflow"},
    {110, "stray light in the cuvette port: is a door open?"},
    {111, "invalid read settings"},
    {200, "firmware: assertion failed"},
    {201, "firmware: bad error number"},
    {202, "firmware: receive queue overflow"},
    {203, "serial port: parity error"},
    {204, "serial port: overrun"},
    {205, "serial port: framing error"},
    {206, "firmware: command generated too much output"},
    {207, "firmware: fatal trap"},
    {208, "firmware: operating system error"},
    {209, "firmware: stack overflow"},
    {210, "firmware: unknown interrupt"},
    {300, "thermistor faulty"},
    {301, "safe temperature exceeded"},
    {302, "low light"},
    {303, "dark current could not be calibrated"},
    {304, "signal saturated"},
    {305, "reference saturated"},
    {306, "plate air calibration failed: low light"},
    {307, "cuvette air reference failed"},
    {308, "stray light"},
    {312, "gain calibration failed"},
    {313, "reference gain check failed"},
    {314, "lamp level low"},
    {315, "zero order not found"},
    {316, "grating motor driver faulty"},
    {317, "monitor ADC faulty"},
    {400, "carriage motion error"},
    {401, "filter wheel error"},
    {402, "grating error"},
    {403, "stage error"},
    {500, "NVRAM checksum wrong"},
    {501, "NVRAM grating calibration bad"},
    {502, "NVRAM cuvette air calibration bad"},
    {503, "NVRAM plate air calibration bad"},
    {504, "NVRAM carriage offset bad"},
    {505, "NVRAM stage offset bad"},
}};
}  // namespace

std::string encode(std::string_view command) { return std::string{command} + '\r'; }

int fields_of(std::string_view command) {
    std::string_view const word = command.substr(0, command.find(' '));
    return std::find(two_field_commands.begin(), two_field_commands.end(), word) == two_field_commands.end() ? 1 : 2;
}

std::string_view words_of(int failure_code) {
    for (auto const& [code, words] : failures)
        if (code == failure_code) return words;
    return "unknown failure code";
}

std::optional<Result<Reply>> ReplyDecoder::feed(std::string_view bytes) {
    for (char const c : bytes) {
        bool const blank = blanks.find(c) != std::string_view::npos;
        if (done_) {
            if (!blank) surplus_ += c;
            continue;
        }
        if (raw_.empty() && blank) continue;
        raw_ += c;
        if (c == '>') {
            std::string_view const field = trimmed(std::string_view{raw_}.substr(field_start_, raw_.size() - 1 - field_start_));
            bool const failed = ends_.empty() && field.substr(0, 4) == "FAIL";
            ends_.push_back(raw_.size() - 1);
            field_start_ = raw_.size();
            done_ = failed || static_cast<int>(ends_.size()) == fields_;
        } else if (raw_.size() >= reply_bytes_max) {
            done_ = true;
        }
    }
    if (!done_) return std::nullopt;
    return decode();
}

Result<Reply> ReplyDecoder::decode() const {
    for (std::size_t i = 0; i < raw_.size(); ++i) {
        auto const c = static_cast<unsigned char>(raw_[i]);
        if (c < 0x7F && (c >= ' ' || blanks.find(raw_[i]) != std::string_view::npos)) continue;
        std::size_t const from = i > 20 ? i - 20 : 0;
        return fail(Fault::refused, fmt::format("The reply is damaged: byte {} is 0x{:02x}, expected text, near \"{}\".", i, c,
                                                printable(std::string_view{raw_}.substr(from, 40))));
    }
    if (ends_.empty()) return fail(Fault::refused, fmt::format("The reply is damaged: {} bytes came without a '>'.", raw_.size()));
    std::string_view const first = trimmed(std::string_view{raw_}.substr(0, ends_[0]));
    Reply reply;
    if (first.substr(0, 4) == "FAIL") {
        std::string_view const code = trimmed(first.substr(4));
        auto const [end, error] = std::from_chars(code.data(), code.data() + code.size(), reply.failure);
        if (error != std::errc{} || end != code.data() + code.size() || reply.failure <= 0)
            return fail(Fault::refused, fmt::format("The reply is damaged: \"{}\", expected FAIL and a code.", printable(first)));
        return reply;
    }
    if (first.substr(0, 2) != "OK")
        return fail(Fault::refused, fmt::format("The reply is damaged: it begins with \"{}\", expected OK or FAIL.", printable(first)));
    reply.warning = trimmed(first.substr(2));
    if (ends_.size() > 1) reply.body = trimmed(std::string_view{raw_}.substr(ends_[0] + 1, ends_[1] - ends_[0] - 1));
    return reply;
}

Result<Status> parse_status(std::string_view body) {
    // Two lines where it was recorded; two words of one line in the other description. A state may hold a blank ("AIR CAL206").
    body = trimmed(body);
    auto end = body.find_first_of("\r\n");
    if (end == std::string_view::npos) end = body.find_first_of(" \t");
    if (end != std::string_view::npos) {
        std::string_view const rest = trimmed(body.substr(end));
        std::string_view const state = trimmed(rest.substr(0, rest.find_first_of("\r\n")));
        auto const capital = [](char c) { return c >= 'A' && c <= 'Z'; };
        std::string_view const drawer = trimmed(body.substr(0, end));
        // Strict on purpose: a late reply to another command must not pass for a state.
        if (!state.empty() && capital(state.front()) && state.find_first_of(":\t") == std::string_view::npos &&
            std::all_of(drawer.begin(), drawer.end(), capital))
            return Status{std::string{drawer}, std::string{state}};
    }
    return fail(Fault::refused, fmt::format("The status reply is damaged: \"{}\", expected the drawer and the state.", printable(body)));
}

std::string printable(std::string_view bytes, std::size_t limit) {
    std::string out;
    for (char const c : bytes.substr(0, limit)) {
        auto const u = static_cast<unsigned char>(c);
        if (u >= ' ' && u < 0x7F)
            out += c;
        else
            out += fmt::format("\\x{:02x}", u);
    }
    if (bytes.size() > limit) out += "…";
    return out;
}

}  // namespace marrowlink::spectramax
