// What must hold for every export format of plate readers.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "drivers/document.hpp"

namespace plate_test {

// The files of these folders that the format reads.
std::vector<std::string> whole_files(marrowlink::ExportFormat const& format, std::vector<std::filesystem::path> const& folders,
                                     std::string_view ending);

// The readings are those of the table, none missing and none beyond. Rows that the table marks "nan" are blank cells (or NaN) in the file,
// of which `edit` may make something else, or nothing.
std::size_t same_as_table(marrowlink::ExportFormat const& format, std::string const& name, std::string const& bytes,
                          std::filesystem::path const& csv, std::function<void(std::string& row)> const& edit = nullptr);

// Every file of a folder of the shared samples that has a table, but those in `without`, named one by one; {files, readings}. Says so when
// the samples are not there, and returns nothing.
struct Compared {
    std::size_t files = 0, readings = 0;
    bool operator==(Compared const&) const = default;
};
std::optional<Compared> shared_files_hold(marrowlink::ExportFormat const& format, std::string_view folder,
                                          std::function<void(std::string const& bytes, std::string& row)> const& edit = nullptr,
                                          std::vector<std::string> const& without = {});

// Every own file against its table, and each refusal against its words: tests/data/<folder>. Returns how many.
std::size_t own_files_hold(marrowlink::ExportFormat const& format, std::string_view folder, std::string_view ending);
std::size_t refusals_hold(marrowlink::ExportFormat const& format, std::string_view folder, std::string_view ending);

// The readings are those of a case's expected.json: "readings" of them, "values" by well and "flags" by well, these in the words that
// `meaning` has for a flag.
void same_as_case(std::vector<marrowlink::Reading> const& readings, marrowlink::json::value const& expected,
                  std::function<std::string_view(std::string_view flag)> const& meaning);

// A file cut at any byte is not taken, unless nothing but `may_lack` was cut off.
void no_beginning_passes(marrowlink::ExportFormat const& format, std::vector<std::string> const& files,
                         std::function<bool(std::string_view rest)> const& may_lack);

// One digit changed: another value, or a refusal; never another well.
void changed_digits_move_no_well(marrowlink::ExportFormat const& format, std::vector<std::string> const& files);

// What is blanked leaves no trace of `name`, and the copy reads the same.
void names_are_blanked(marrowlink::ExportFormat const& format, std::string bytes, std::string_view name);

std::string utf16le(std::string const& ascii);
bool only_line_end(std::string_view rest);

}  // namespace plate_test
