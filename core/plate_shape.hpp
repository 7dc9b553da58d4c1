// Wells and rows of the plates that laboratories use: 6 to 1,536 wells, rows A … Z, AA … AF.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace marrowlink {

constexpr std::uint32_t rows_max = 32, columns_max = 48;  // 1,536 wells; a row or column beyond: refused

struct PlateShape {
    std::uint32_t rows, columns;
    std::uint32_t wells() const { return rows * columns; }
};
std::optional<PlateShape> plate_shape(std::uint32_t wells);            // nothing: no such plate
std::optional<PlateShape> plate_of_columns(std::uint32_t columns);     // each size has its own number of columns
PlateShape plate_that_holds(std::uint32_t row, std::uint32_t column);  // the smallest one with this well

std::uint32_t row_number(std::string_view letters);                                        // "A" is 1; 0: no row
std::string row_letters(std::uint32_t row);                                                // 27 is "AA"
std::string well_name(std::uint32_t row, std::uint32_t column);                            // both from 1
std::optional<std::pair<std::uint32_t, std::uint32_t>> well_place(std::string_view name);  // "H12": {8, 12}; nothing: no well

}  // namespace marrowlink
