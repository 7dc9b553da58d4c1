// Export files of software that is not there, for rehearsals: whole, of one plate or one tube, each with its own number, values from a
// seed. The files are ours; the formats' own facts are in each format's notes.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink {

// By the formats' names, "bmg-mars"; those of which we can write a file.
std::vector<std::string> const& example_formats();

struct ExampleExport {
    std::string name;  // of the file: "bmg-mars-0001.csv"
    std::string bytes;
};

// The same seed and number make the same bytes; another number is another run. `usage`, naming those that are, for another format.
Result<ExampleExport> example_export(std::string_view format, std::uint64_t seed, std::uint64_t number);

}  // namespace marrowlink
