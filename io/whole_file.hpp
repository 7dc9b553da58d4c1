// A file read to its end, or written, at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace marrowlink {

// `unavailable` when it cannot be opened or read to its end, `refused` when it has more than `bytes_max` bytes; the message names the file.
Result<std::string> whole_file(std::filesystem::path const& file, std::uint64_t bytes_max);

// Under another name first, so that a file of this name is whole. `unavailable`, naming the file, when it cannot be written.
Result<void> write_whole_file(std::filesystem::path const& file, std::string_view bytes);

}  // namespace marrowlink
