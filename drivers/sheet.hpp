// A sheet of a workbook: its cells, and what a spreadsheet's numbers mean (ECMA-376 part 1, 18.3 and 18.8.30).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marrowlink {

constexpr std::uint32_t sheet_rows_max = 1'048'576, sheet_columns_max = 16'384;  // Excel's own; a cell beyond: refused

enum class CellKind : std::uint8_t { text, number, date, boolean, error };

struct Cell {
    std::uint32_t row = 0, column = 0;  // from 1
    CellKind kind = CellKind::text;
    bool formula = false;   // the value is what Excel last made of a formula
    bool shared = false;    // its text stands in the part of shared strings
    std::uint32_t nth = 0;  // of the shared strings, or of the cells in its part: where to find it again
    std::string text;       // as stored; of a date its serial number
};
std::string place_of(Cell const& cell);                         // "B12"
std::string place_of(std::uint32_t row, std::uint32_t column);  // the same

struct Sheet {
    std::string name;
    std::size_t part = 0;     // index into the directory's parts
    std::vector<Cell> cells;  // row by row, each from left to right

    Cell const* at(std::uint32_t row, std::uint32_t column) const;               // null: no value
    std::string_view text(std::uint32_t row, std::uint32_t column) const;        // of any kind, without spaces around; empty: no value
    std::span<Cell const> row(std::uint32_t number) const;                       // its cells
    std::uint32_t rows() const { return cells.empty() ? 0 : cells.back().row; }  // the last with a value
};

std::optional<std::pair<std::uint32_t, std::uint32_t>> row_and_column(std::string_view place);  // "B12": {12, 2}; nothing: no cell

// Whether a cell's number format shows dates or times: one that every program has, or one that the workbook writes out.
bool is_date_format(std::uint32_t number);
bool is_date_format(std::string_view code);

// A serial number as "2025-06-27 11:00:00", a time of day as "11:00:00", rounded to seconds. Empty when it is none, or one of the first
// days of 1900, on which spreadsheets differ.
std::string date_of(std::string_view serial, bool since_1904);

}  // namespace marrowlink
