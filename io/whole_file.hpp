// A file read to its end at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/error.hpp"

namespace marrowlink {

// `unavailable` when it cannot be opened or read to its end, `refused` when it has more than `bytes_max` bytes; the message names the file.
Result<std::string> whole_file(std::filesystem::path const& file, std::uint64_t bytes_max);

}  // namespace marrowlink
