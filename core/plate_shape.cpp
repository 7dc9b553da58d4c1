#include "core/plate_shape.hpp"

#include <charconv>
#include <iterator>

namespace marrowlink {

namespace {

constexpr PlateShape shapes[] = {{2, 3}, {3, 4}, {4, 6}, {6, 8}, {8, 12}, {16, 24}, {32, 48}};

template <class Fits>
std::optional<PlateShape> shape_that(Fits fits) {
    for (PlateShape const& shape : shapes)
        if (fits(shape)) return shape;
    return {};
}

}  // namespace

std::optional<PlateShape> plate_shape(std::uint32_t wells) {
    return shape_that([&](PlateShape const& one) { return one.wells() == wells; });
}

std::optional<PlateShape> plate_of_columns(std::uint32_t columns) {
    return shape_that([&](PlateShape const& one) { return one.columns == columns; });
}

PlateShape plate_that_holds(std::uint32_t row, std::uint32_t column) {
    return shape_that([&](PlateShape const& one) { return row <= one.rows && column <= one.columns; })
        .value_or(shapes[std::size(shapes) - 1]);
}

std::uint32_t row_number(std::string_view letters) {
    auto const letter = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (letters.size() == 1 && letter(letters[0])) return static_cast<std::uint32_t>(letters[0] - 'A' + 1);
    if (letters.size() == 2 && letters[0] == 'A' && letter(letters[1]) && letters[1] <= 'F')
        return static_cast<std::uint32_t>(26 + letters[1] - 'A' + 1);
    return 0;
}

std::string row_letters(std::uint32_t row) {
    std::string letters = row > 26 ? "A" : "";
    return letters + static_cast<char>('A' + (row - 1) % 26);
}

std::string well_name(std::uint32_t row, std::uint32_t column) { return row_letters(row) + std::to_string(column); }

std::optional<std::pair<std::uint32_t, std::uint32_t>> well_place(std::string_view name) {
    std::size_t const digits = std::min(name.find_first_of("0123456789"), name.size());
    std::uint32_t const row = row_number(name.substr(0, digits));
    std::uint32_t column = 0;
    auto const [end, bad] = std::from_chars(name.data() + digits, name.data() + name.size(), column);
    if (row == 0 || bad != std::errc{} || end != name.data() + name.size() || column == 0 || column > columns_max) return {};
    return std::pair{row, column};
}

}  // namespace marrowlink
