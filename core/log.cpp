#include "core/log.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "core/clock.hpp"

namespace marrowlink::log {
namespace {
Sink current_sink = nullptr;

bool plain(std::string_view text) {
    if (text.empty()) return false;
    for (unsigned char const c : text)
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7F) return false;
    return true;
}

void append_value(std::string& out, std::string_view text) {
    if (plain(text)) {
        out += text;
        return;
    }
    out += '"';
    for (char const c : text) {
        if (c == '"' || c == '\\')
            (out += '\\') += c;
        else if (c == '\n')
            out += "\\n";
        else if (static_cast<unsigned char>(c) < ' ' || c == 0x7F)
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        else
            out += c;
    }
    out += '"';
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
    std::string const line = logfmt(level, event, fields);
    if (current_sink) return current_sink(level, line);
    // journald reads the priority from the prefix; the wall clock is only for people who read a bare file.
    constexpr char priority[] = {'6', '4', '3'};
    auto const utc = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    fmt::print("<{}>time={} {}\n", priority[static_cast<int>(level)], rfc3339(utc), line);
    std::fflush(stdout);
}
}  // namespace

std::string logfmt(Level level, std::string_view event, std::initializer_list<Field> fields) {
    constexpr std::string_view names[] = {"info", "warn", "error"};
    std::string out = fmt::format("level={} event={}", names[static_cast<int>(level)], event);
    for (Field const& field : fields) {
        out += ' ';
        out += field.name;
        out += '=';
        append_value(out, field.value);
    }
    return out;
}

void info(std::string_view event, std::initializer_list<Field> fields) { write(Level::info, event, fields); }
void warn(std::string_view event, std::initializer_list<Field> fields) { write(Level::warn, event, fields); }
void error(std::string_view event, std::initializer_list<Field> fields) { write(Level::error, event, fields); }
void set_sink(Sink sink) { current_sink = sink; }

}  // namespace marrowlink::log
