// The commands that ask a running gateway, over its Unix socket and the page's own API.
#pragma once

#include <filesystem>
#include <string>

#include "core/error.hpp"

namespace marrowlink {

// `unavailable` when no gateway answers on the configured socket; `refused` when the instrument or the gateway says no.
Result<void> ask_to_start(std::filesystem::path const& config_file, std::string const& instrument, std::string const& plate);
// Begins a rehearsal (gateway/rehearsal.hpp), tells how it goes, and reports at its end. SIGINT and SIGTERM end it early; a second one
// leaves it to the gateway, which ends it by itself. `unavailable` also when the backlog did not reach the centre afterwards.
Result<void> rehearse_outage(std::filesystem::path const& config_file, double minutes);
Result<void> print_status(std::filesystem::path const& config_file, bool as_json);

}  // namespace marrowlink
