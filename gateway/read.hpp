// `marrowlink-gateway read FILE…`: any instrument file through the product's own parsers, for a person or a script to look at.
//
// csv    plates: one line a reading, header once, RFC 4180 quoting, lines end in LF
// json   plates: one object a reading, a line each, the CSV's names as keys; cytometry: one object a file, a line each, with `datasets`
//        ({version, events, parameters [{n, s, bits, range}], first, last, sum, min, max}; a value that is not finite is null)
// allotrope plates: one document of the Allotrope Simple Model a file, a line each (drivers/allotrope.hpp)
// events cytometry: every event as CSV, parameter names first; further data sets and files after an empty line
//
// `out` receives the data alone. `err` receives, a line each and the file's name in front: the format recognised, notes, refusals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "gateway/reading_text.hpp"

namespace marrowlink {

inline constexpr std::uint64_t read_bytes_max = std::uint64_t{4} << 30;  // a larger file is refused by name

struct ReadOptions {
    ReadFormat format = ReadFormat::csv;
    bool events = false;
    std::string measured;   // for allotrope: RFC 3339 with an offset
    bool progress = false;  // a bar on standard error, where that is a terminal; for output that goes elsewhere
};

// Every file is tried; of a folder all files in it and below, by name; of "-" standard input. Of an incomplete cytometry file what is
// present is printed and the file refused all the same. Afterwards an error if any failed: `refused` when one is not known or not accepted,
// else `usage` when an option does not suit a file, else `unavailable` when one cannot be opened; its message is the count, the reasons are
// on `err`.
Result<void> read_files(std::vector<std::filesystem::path> const& given, ReadOptions options, std::ostream& out, std::ostream& err);

}  // namespace marrowlink
