// A plate as exports write it: a heading of columns, and a row of cells for each letter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/plate_shape.hpp"
#include "core/reading.hpp"
#include "drivers/decimal.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink {

struct PlateMatrix {
    struct Cell {
        std::uint32_t row, column;  // from 1
        std::size_t line;           // index into the lines
        std::string text;
    };
    PlateShape shape{};
    std::vector<Cell> cells;  // those that are not blank, row by row
    std::size_t end = 0;      // the first line behind the plate
};

struct MatrixForm {
    char separator = ',';
    int column_digits = 1;        // of the heading: ",1,2" or ",01,02"
    bool may_be_bare = false;     // neither heading nor letters: every line is a row
    bool may_skip_rows = false;   // 1,536 wells: only the rows that were read, in order
    bool small_behind_z = false;  // rows 27 to 32 are a to f
    bool spaced = false;          // cells are parted by spaces, none is blank, and a blank line may follow the heading
};

// From the heading (or, if bare, the first row) at `lines[at]` on. Refused, naming the line: no heading of a plate known here, a row that
// is missing, out of order or too short, cells behind the last column. `unavailable`: the lines end inside the plate, or inside its last
// row.
Result<PlateMatrix> read_matrix(std::span<TextLine const> lines, std::size_t at, MatrixForm const& form);

// The cell as a reading with its well and its value as written; `seen` hears of the number. Refused, naming line and well: no number, or,
// without `seen`, one with a comma.
Result<Reading> reading_of(PlateMatrix::Cell const& cell, DecimalSeparator* seen);

// Nothing but separators and spaces.
bool is_blank(TextLine const& line, char separator);

}  // namespace marrowlink
