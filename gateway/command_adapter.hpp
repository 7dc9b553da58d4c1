// The commands of `adapter`: what the configuration's adapters say of themselves, whose they are, what they keep.
#pragma once

#include <filesystem>
#include <string>

#include "core/error.hpp"
#include "io/adapter_set.hpp"

namespace CLI {
class App;
}

namespace marrowlink {

// They ask the running gateway, which has the bus; without one, the adapter itself. `usage` when the configuration has no such instrument
// or it is behind no adapter. A list with one that does not answer is printed, and has that one's fault.
Result<void> list_adapters(std::filesystem::path const& config_file, bool as_json);
Result<void> show_adapter(std::filesystem::path const& config_file, std::string const& instrument, bool as_json);

// These ask the adapter itself: `unavailable` beside a running gateway.
Result<void> change_adapter(std::filesystem::path const& config_file, std::string const& instrument, AdapterWish wish);
Result<void> print_adapter_log(std::filesystem::path const& config_file, std::string const& instrument);

// The subcommands of `adapter`, with their options; each leaves its exit code in `exit_status`.
void add_adapter_commands(CLI::App& adapter, std::filesystem::path& config_file, int& exit_status);

}  // namespace marrowlink
