// A plate as sheets of workbooks show it: a heading of numbered columns beside a corner, and a row of cells for each letter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/plate_shape.hpp"
#include "core/reading.hpp"
#include "drivers/sheet.hpp"

namespace marrowlink {

struct PlateBlock {
    PlateShape shape{};
    struct Well {
        std::uint32_t row, column;  // of the plate, from 1
        Cell const* cell;           // of the sheet
    };
    std::vector<Well> wells;  // those with a value, row by row
    std::uint32_t end = 0;    // the first row of the sheet below the plate
};

// From the heading in row `row` on, whose letters stand in column `column`. Refused, naming sheet and cell: no heading of a plate known
// here, a row that is missing or out of order, a cell behind the last column.
Result<PlateBlock> read_block(Sheet const& sheet, std::uint32_t row, std::uint32_t column);

// The cell as a reading of this well. A word that is known is its flag. Refused, naming sheet, cell and well: a word that is not, a number
// that is stored as text, a date, a truth value, an error of Excel's, and what a formula made.
Result<Reading> reading_of(Sheet const& sheet, Cell const& cell, std::string well);

// "Sheet "Raw" cell B12: why."
tl::unexpected<Error> wrong_cell(Sheet const& sheet, std::uint32_t row, std::uint32_t column, std::string const& why);

}  // namespace marrowlink
