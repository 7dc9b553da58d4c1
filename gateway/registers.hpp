// A Modbus instrument's registers as its map reads them, beside everything else that they may mean: for finding a wrong word order or an
// address that is off by one, by comparing with the instrument's display (field 49).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "drivers/driver.hpp"

namespace marrowlink {

// {"registers": [{"name", "place", "type", "words", "value", "unit", "flag", "age_s", "interpretations": [{"as", "value"}]}]}; what is not
// known is absent.
json::object registers_json(std::vector<RegisterView> const& registers, Clock::Instant now);
std::string registers_text(json::object const& registers);  // for people

// Asks the running gateway; without one, reads the instrument itself, once. `usage` when the configuration has no such Modbus instrument.
Result<void> print_registers(std::filesystem::path const& config_file, std::string const& instrument, bool as_json);

}  // namespace marrowlink
