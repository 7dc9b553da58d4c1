// The two forms in which Gen5 writes values: a matrix (plate rows by columns, each line with its data set's name at the end) and a series
// (one line a time or wavelength, one column a well). Errors: `refused`, or `unavailable` where the missing part may still be written.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/error.hpp"
#include "core/reading.hpp"
#include "drivers/gen5/cell.hpp"
#include "drivers/gen5/procedure.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink::gen5 {

constexpr std::size_t readings_max = 1'000'000;  // of one file; one more: refused
constexpr std::size_t derived_names_max = 32;    // kept for the note; further names are not listed

// A part of the file between blank lines, with the title that stands above it.
struct Section {
    std::string_view title;
    std::span<TextLine const> lines;
    std::size_t first_line = 1;  // number of lines[0] in the file
    bool last = false;           // nothing but blank lines follows
    bool closed = false;         // an empty line follows
};

// What is found in all plates of a file.
struct Findings {
    std::vector<Reading> readings;
    DecimalSeparator separator;
    std::set<std::string, std::less<>> derived;  // names of data sets left out
    std::uint64_t never_taken = 0;               // announced reads without values
};

class PlateTables {
 public:
    PlateTables(Procedure const& procedure, std::string plate, std::vector<std::uint32_t> layout_rows, Findings& findings)
        : procedure_{procedure}, plate_{std::move(plate)}, layout_rows_{std::move(layout_rows)}, findings_{findings} {}

    Result<void> matrix(Section const& section);
    Result<void> series(Section const& section);
    // Every announced data set is there, or was evidently left out of the export.
    Result<void> finish(bool last_plate) const;

 private:
    Result<std::size_t> matrix_columns(Section const& section);
    Result<void> matrix_values(Section const& section, std::string_view row, std::size_t columns, std::size_t line);
    Result<void> same_names(Section const& section, std::string_view row, std::vector<std::string>& names, std::vector<std::string>& first,
                            bool may_grow) const;
    Result<void> rows_are_all_there(Section const& section, std::vector<std::uint32_t> const& rows, std::size_t columns) const;
    Result<void> cut_name_is_whole(std::string_view name) const;

    Result<std::size_t> series_wells(Section const& section);  // column of the first well; their names in wells_
    Result<bool> series_row(Section const& section, DataSet const* set, std::size_t first_well, std::size_t line, std::string& previous);
    Result<void> series_is_all_there(Section const& section, DataSet const* set, std::size_t rows, bool stopped,
                                     std::string const& last_index) const;

    // Null: derived, left out. Refused: the set exists but has another shape.
    Result<DataSet const*> raw_set(std::string_view name, bool in_series, std::size_t line);
    Result<void> keep(Reading reading, std::string_view text, std::size_t line, std::string_view title);

    Procedure const& procedure_;
    std::string plate_;
    std::vector<std::uint32_t> layout_rows_;
    Findings& findings_;
    std::vector<std::string_view> cells_;
    std::vector<std::string> wells_;
    // Endpoint sets: index of each well's reading plus one, so that a second table of the same set is compared and not counted again.
    std::unordered_map<std::size_t, std::vector<std::uint32_t>> grids_;
    std::set<std::size_t> found_;
    std::set<std::string, std::less<>> free_names_;  // neither announced nor made from an announced set by their name
    bool has_matrix_ = false;
    std::size_t section_begins_ = 0;  // readings when the present section began
};

}  // namespace marrowlink::gen5
