// `marrowlink-gateway run`: the gateway in the real world.
#pragma once

#include <filesystem>

#include "core/error.hpp"

namespace marrowlink {

// Returns when SIGTERM or SIGINT has ended it. SIGHUP reads the configuration again; a bad one leaves the running one in force.
Result<void> run_service(std::filesystem::path const& config_file);

}  // namespace marrowlink
