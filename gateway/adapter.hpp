// An adapter as people see it: what it says of itself, read once, in words and units.
#pragma once

#include <optional>
#include <string>

#include "core/json.hpp"
#include "gateway/config.hpp"
#include "gateway/plan.hpp"
#include "io/adapter.hpp"
#include "io/adapter_fault.hpp"

namespace marrowlink {

struct AdapterReport {
    AdapterState state;
    wire::adapter::Settings in_force;
    AdapterFault fault;
};

Task<Result<AdapterReport>> read_adapter_report(ModbusMaster& bus, AdapterPlace const& place);

// docs/gateway-api.md; what is not known is absent. `place` holds whose it should be and the settings that it should have.
json::object adapter_json(AdapterReport const& report, AdapterPlace const& place);

// Both read what adapter_json wrote, of this gateway or of a running one.
std::string adapter_in_short(json::object const& adapter);  // without a line's end
std::string adapter_text(json::object const& adapter);

}  // namespace marrowlink
