// The files of `marrowlink-central analyse`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::analyse {

struct Command {
    std::string what;                       // a name of analyses()
    std::vector<std::filesystem::path> in;  // files; a folder stands for its *.dat and *.csv
    std::filesystem::path out;  // the main table; others get "-<suffix>" before the ending. Empty: only the main table, to standard output
    std::filesystem::path controls;  // optional
    std::string compat;
    std::vector<std::string> models;
    std::size_t draws = 499;
};
// Writes each table whole or not at all: to a temporary name first, then renamed.
Result<void> run(Command const& command);

}  // namespace marrowlink::analyse
