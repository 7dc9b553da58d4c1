// What must hold for every export format of plate readers.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "drivers/document.hpp"
#include "tests/drivers/plate_samples.hpp"

namespace plate_test {

// The files of these folders that the format reads.
std::vector<std::string> whole_files(marrowlink::ExportFormat const& format, std::vector<std::filesystem::path> const& folders,
                                     std::string_view ending);

// The readings are those of the table, none missing and none beyond, but for those `beside` it. Rows that the table marks "nan" are blank
// cells (or NaN) in the file. Returns how many were compared.
std::size_t same_as_table(marrowlink::ExportFormat const& format, std::string const& name, std::string const& bytes,
                          std::filesystem::path const& csv, Correct const& correct = nullptr,
                          std::function<bool(marrowlink::Reading const&)> const& beside = nullptr);

// Every own file against its table, and each refusal against its words: tests/data/<folder>. Returns how many. `make` makes the export of a
// text that stands for it; without one, it is the export.
using Make = std::string (*)(std::string_view text);
std::size_t own_files_hold(marrowlink::ExportFormat const& format, std::string_view folder, std::string_view ending, Make make = nullptr);
std::size_t refusals_hold(marrowlink::ExportFormat const& format, std::string_view folder, std::string_view ending, Make make = nullptr);

// The readings are those of a case's expected.json: "readings" of them, "values" by well and "flags" by well, these in the words that
// `meaning` has for a flag.
void same_as_case(std::vector<marrowlink::Reading> const& readings, marrowlink::json::value const& expected,
                  std::function<std::string_view(std::string_view flag)> const& meaning);

// A file cut at any byte is not taken, unless nothing but `may_lack` was cut off.
void no_beginning_passes(marrowlink::ExportFormat const& format, std::vector<std::string> const& files,
                         std::function<bool(std::string_view rest)> const& may_lack);

// One digit of a text changed, at up to `tries_max` places (0: at each), and made into an export again: refused, or as many readings as
// before and `check` holds.
void each_changed_digit(marrowlink::ExportFormat const& format, std::vector<std::string> const& texts, std::size_t tries_max, Make make,
                        std::function<void(marrowlink::Document const& whole, marrowlink::Document const& read)> const& check);
void no_well_moved(marrowlink::Document const& whole, marrowlink::Document const& read);

// One digit changed: another value, or a refusal; never another well.
void changed_digits_move_no_well(marrowlink::ExportFormat const& format, std::vector<std::string> const& files);

// The same of lists, where the well stands in the row: a cut file is refused, or has the first of the whole one's rows and nothing else (in
// `files` rows next to each other are of different wells); a digit changes one well or values, never both.
void cuts_lose_whole_rows(marrowlink::ExportFormat const& format, std::vector<std::string> const& files);
void changed_digits_stay_in_their_cell(marrowlink::ExportFormat const& format, std::vector<std::string> const& files);

// The files, in UTF-8, read the same in UTF-16 and Latin-1, and with either end of a line.
void encodings_read_the_same(marrowlink::ExportFormat const& format, std::vector<std::string> const& files);

// What is blanked leaves no trace of `name`, and the copy reads the same.
void names_are_blanked(marrowlink::ExportFormat const& format, std::string bytes, std::string_view name);

std::string utf16le(std::string const& utf8);
bool only_line_end(std::string_view rest);

}  // namespace plate_test
