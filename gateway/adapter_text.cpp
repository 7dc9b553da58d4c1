#include <fmt/format.h>

#include "gateway/adapter.hpp"

namespace marrowlink {
namespace {
json::object part(json::object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    return found && found->is_object() ? found->get_object() : json::object{};
}

std::vector<json::object> rows(json::object const& from, std::string_view name) {
    std::vector<json::object> out;
    auto const* const found = from.if_contains(name);
    if (!found || !found->is_array()) return out;
    for (json::value const& one : found->get_array())
        if (one.is_object()) out.push_back(one.get_object());
    return out;
}

double number(json::object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    return found && found->is_number() ? found->to_number<double>() : 0;
}

std::string owner_words(json::object const& adapter) {
    json::object const owner = part(adapter, "owner");
    if (owner.empty()) return "nobody's";
    auto const* const ours = owner.if_contains("is_this_gateway");
    bool const is_ours = ours && ours->is_bool() && ours->get_bool();
    return is_ours ? "this gateway's" : fmt::format("another owner's, \"{}\"", json::string_of(owner, "name"));
}

std::string span(double seconds) {
    if (seconds < 120) return fmt::format("{:.1f} s", seconds);
    if (seconds < 7'200) return fmt::format("{:.0f} min", seconds / 60);
    return seconds < 172'800 ? fmt::format("{:.0f} h", seconds / 3'600) : fmt::format("{:.0f} days", seconds / 86'400);
}

std::string starts(json::object const& adapter) {
    auto const boots = json::integer_of(adapter, "boots");
    return fmt::format("{} start{}", boots, boots == 1 ? "" : "s");
}

std::string line(std::string_view what, std::string const& value) { return fmt::format("  {:<22}{}\n", what, value); }
}  // namespace

std::string adapter_in_short(json::object const& adapter) {
    std::string out =
        fmt::format("firmware {}, {}, {}, {}, {} bytes wait", json::string_of(adapter, "firmware"), json::string_of(adapter, "storage"),
                    starts(adapter), owner_words(adapter), json::integer_of(part(adapter, "log"), "waiting_bytes"));
    for (json::object const& flag : rows(adapter, "flags")) out += fmt::format("; {}", json::string_of(flag, "words"));
    return out;
}

std::string adapter_text(json::object const& adapter) {
    json::object const log = part(adapter, "log"), owner = part(adapter, "owner"), since = part(adapter, "since_start");
    std::string out = line("firmware", fmt::format("{} on {}", json::string_of(adapter, "firmware"), json::string_of(adapter, "board")));
    if (auto const id = json::string_of(adapter, "hardware_id"); !id.empty()) out += line("hardware id", std::string{id});
    out += line("memory",
                fmt::format("{}, {} bytes for the log", json::string_of(adapter, "storage"), json::integer_of(adapter, "capacity_bytes")));
    out += line("started", fmt::format("{} ago ({}); {} in all", span(number(adapter, "uptime_s")), json::string_of(adapter, "started_by"),
                                       starts(adapter)));
    out += line("owner", owner_words(adapter));
    if (!owner.empty()) out += line("binding", std::string{json::string_of(owner, "binding")});
    out += line("waits", fmt::format("{} bytes, positions {} to {} of the log", json::integer_of(log, "waiting_bytes"),
                                     json::integer_of(log, "freed"), json::integer_of(log, "written")));
    out += line("given before", fmt::format("{} bytes of data; the next is byte {} of its owner's count",
                                            json::integer_of(log, "freed_data_bytes"), json::integer_of(log, "counted_bytes")));
    out += line("heard", fmt::format("{} bytes since the start", json::integer_of(since, "heard_bytes")));
    out += line("lost", fmt::format("{} bytes for want of room, {} characters damaged, {} that came too fast, since the start",
                                    json::integer_of(since, "refused_bytes"), json::integer_of(since, "damaged_characters"),
                                    json::integer_of(since, "overrun_characters")));
    out += line("bus", fmt::format("{} damaged requests since the start", json::integer_of(since, "bad_bus_frames")));
    for (json::object const& flag : rows(adapter, "flags")) out += line("now", std::string{json::string_of(flag, "words")});
    if (auto const refused = json::string_of(adapter, "setting_refused"); !refused.empty())
        out += line("settings refused", fmt::format("the last ones written, for their {}", refused));
    if (json::object const fault = part(adapter, "fault"); !fault.empty()) {
        std::string registers;
        for (auto const& [name, value] : fault)
            if (value.is_string()) registers += fmt::format(" {} {}", std::string_view(name), std::string_view(value.get_string()));
        out += line("last fault", fmt::format("number {} since power came:{}", json::integer_of(fault, "number"), registers));
    }
    out += "settings\n";
    for (json::object const& row : rows(adapter, "settings")) {
        auto const configured = json::string_of(row, "configured");
        out += line(json::string_of(row, "name"),
                    fmt::format("{}{}", json::string_of(row, "value"),
                                configured.empty() ? std::string{} : fmt::format("   <- the configuration asks for {}", configured)));
    }
    return out;
}

}  // namespace marrowlink
