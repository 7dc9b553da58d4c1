#include "gateway/adapter.hpp"

#include <fmt/format.h>

#include "io/adapter_words.hpp"

namespace marrowlink {
namespace {
json::array flags_json(std::uint16_t flags) {
    json::array out;
    for (AdapterFlag const& flag : flags_of(flags)) out.push_back(json::object{{"name", flag.name}, {"words", flag.words}});
    return out;
}

json::object owner_json(AdapterState const& state, AdapterPlace const& place) {
    json::object out;
    json::put_text(out, "name", state.owner_name);
    out["id"] = fmt::format("{:016x}", state.owner_id);
    out["binding"] = fmt::format("{:016x}", state.binding);
    out["is_this_gateway"] = state.owner_id == adapter_owner_id(place.owner);
    return out;
}

// Those of the bus are the adapter's own affair: no configuration asks for others than it has.
json::array settings_json(wire::adapter::Settings const& in_force, wire::adapter::Settings const& wanted) {
    json::array out;
    auto const asked = settings_of(wanted);
    std::size_t at = 0;
    for (AdapterSetting& setting : settings_of(in_force)) {
        AdapterSetting const& other = asked[at++];
        json::object& row = out.emplace_back(json::object{{"name", setting.name}, {"value", setting.value}}).as_object();
        if (!setting.of_the_bus && other.value != setting.value) row["configured"] = other.value;
    }
    return out;
}
}  // namespace

Task<Result<AdapterReport>> read_adapter_report(ModbusMaster& bus, AdapterPlace const& place) {
    auto state = co_await read_adapter(bus, place);
    if (!state) co_return fail(state.error());
    auto const in_force = co_await read_adapter_settings(bus, place);
    if (!in_force) co_return fail(in_force.error());
    AdapterReport out;
    out.state = *std::move(state);
    out.in_force = *in_force;
    if (!out.state.has(wire::adapter::Flag::fault_recorded)) co_return out;
    auto const fault = co_await read_adapter_fault(bus, place);
    if (!fault) co_return fail(fault.error());
    out.fault = *fault;
    co_return out;
}

json::object adapter_json(AdapterReport const& report, AdapterPlace const& place) {
    AdapterState const& state = report.state;
    json::object out;
    out["instrument"] = place.instrument;
    out["firmware"] = fmt::format("{}.{}.{}", state.firmware_major, state.firmware_minor, state.firmware_patch);
    out["board"] = words_of(state.board);
    std::string id;
    for (std::uint16_t const part : state.hardware_id) id += fmt::format("{:04x}", part);
    if (id.find_first_not_of('0') != std::string::npos) out["hardware_id"] = id;
    out["storage"] = words_of(state.storage);
    out["capacity_bytes"] = state.capacity_kib * 1'024u;
    out["boots"] = state.boots;
    out["started_by"] = words_of(state.reset_cause);
    out["uptime_s"] = static_cast<double>(state.uptime_ms) / 1'000;
    out["flags"] = flags_json(state.flags);
    if (state.owner_id != 0) out["owner"] = owner_json(state, place);
    out["log"] = json::object{{"waiting_bytes", state.written - state.freed},
                              {"freed", state.freed},
                              {"written", state.written},
                              {"freed_data_bytes", state.freed_data},
                              {"counted_bytes", state.data_base + state.freed_data}};
    out["since_start"] = json::object{{"heard_bytes", state.heard},
                                      {"refused_bytes", state.refused},
                                      {"damaged_characters", state.damaged},
                                      {"overrun_characters", state.overruns},
                                      {"bad_bus_frames", state.bad_frames}};
    out["command_token"] = state.command_token;
    out["settings"] = settings_json(report.in_force, place.settings);
    if (report.fault.number != 0) {
        json::object& fault = out.emplace("fault", json::object{{"number", report.fault.number}}).first->value().as_object();
        for (auto const& [name, value] : report.fault.registers()) fault[name] = fmt::format("{:08x}", value);
    }
    if (state.settings_refused != 0) out["setting_refused"] = name_of_setting(state.settings_refused);
    return out;
}

}  // namespace marrowlink
