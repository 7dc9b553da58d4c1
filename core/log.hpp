// One logfmt line per event, past tense, with a stable event name that alarms and docs use:
//   <6>time=2026-11-25T02:30:00.123Z level=info event=stream.opened stream=… reason="first start"
// error = a person must act; warn = degraded and healing by itself; info = a state changed. Nothing is logged twice at two heights.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace marrowlink::log {

enum class Level : std::uint8_t { info, warn, error };

// A field's value, from text or any integer.
struct Field {
    std::string_view name;
    std::string value;
    Field(std::string_view n, std::string_view v) : name(n), value(v) {}
    Field(std::string_view n, std::string const& v) : name(n), value(v) {}
    Field(std::string_view n, char const* v) : name(n), value(v) {}
    template <class Integer>
    requires std::is_integral_v<Integer> Field(std::string_view n, Integer v) : name(n), value(std::to_string(v)) {}
};

void info(std::string_view event, std::initializer_list<Field> fields = {});
void warn(std::string_view event, std::initializer_list<Field> fields = {});
void error(std::string_view event, std::initializer_list<Field> fields = {});

// Where complete lines go; standard output when null. Tests and the simulated world put their own. Not called concurrently with logging.
using Sink = void (*)(Level level, std::string_view line);
void set_sink(Sink sink);

// The line without its time, as `sink` receives it: pure, for tests.
std::string logfmt(Level level, std::string_view event, std::initializer_list<Field> fields);

}  // namespace marrowlink::log
