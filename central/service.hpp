// `marrowlink-central run`: the centre in the real world.
#pragma once

#include <filesystem>

#include "core/error.hpp"

namespace marrowlink::central {

// Returns when SIGTERM or SIGINT has ended it. SIGHUP checks the configuration again; all of it but certificate files needs a restart.
Result<void> run_service(std::filesystem::path const& config_file);

}  // namespace marrowlink::central
