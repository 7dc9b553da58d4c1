// Sample files, their tables, and readings as rows that compare.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/reading.hpp"

namespace plate_test {

std::filesystem::path shared_folder();                    // $MARROWLINK_SHARED or ../shared beside the repository
std::filesystem::path own_folder(std::string_view name);  // tests/data/<name>

std::string slurp(std::filesystem::path const& path);
marrowlink::json::value json_of(std::filesystem::path const& path);

// Files of a folder with this ending, by name; none when the folder is absent.
std::vector<std::filesystem::path> files_of(std::filesystem::path const& folder, std::string_view ending);

// A CSV without quotes: one row a line, by the heading.
using TableRow = std::map<std::string, std::string>;
std::vector<TableRow> table_of(std::filesystem::path const& csv);

struct Columns {
    bool wavelength = true, excitation = true, read = false;  // which the table has
};

// One row a reading: plate, well, time or wavelength, excitation, value as a number, flag, read; sorted. Commas of a read are ';', as the
// table has no quotes. `correct` may change a row of the table, or leave it out (false).
using Correct = std::function<bool(TableRow& row)>;
std::vector<std::string> rows_of(std::vector<marrowlink::Reading> const& readings, Columns columns);
std::vector<std::string> rows_expected(std::filesystem::path const& csv, Columns& columns, Correct const& correct = nullptr);

}  // namespace plate_test
