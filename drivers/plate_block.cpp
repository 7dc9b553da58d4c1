#include "drivers/plate_block.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/text_table.hpp"

namespace marrowlink {

namespace {

// In a number's place. Told of Tecan's software; none was seen here.
constexpr std::string_view words[] = {"OVER", "Invalid"};

std::string_view name_of(CellKind kind) {
    switch (kind) {
        case CellKind::text: return "text";
        case CellKind::number: return "a number";
        case CellKind::date: return "a date";
        case CellKind::boolean: return "a truth value";
        case CellKind::error: return "an error of the spreadsheet";
    }
    return {};
}

// "7", or "7.0" as some programs save it.
bool heads_column(std::string_view text, std::uint32_t column) {
    std::string const number = std::to_string(column);
    return text == number || text == number + ".0";
}

}  // namespace

tl::unexpected<Error> wrong_cell(Sheet const& sheet, std::uint32_t row, std::uint32_t column, std::string const& why) {
    return fail(Fault::refused, fmt::format("Sheet {} cell {}: {}.", in_quotes(sheet.name), place_of(row, column), why));
}

Result<PlateBlock> read_block(Sheet const& sheet, std::uint32_t row, std::uint32_t column) {
    PlateBlock block;
    std::uint32_t columns = 0;
    while (heads_column(sheet.text(row, column + columns + 1), columns + 1)) ++columns;
    auto const shape = plate_of_columns(columns);
    auto const heading = sheet.row(row);
    if (!shape || heading.back().column != column + columns)
        return wrong_cell(sheet, row, column + columns + 1,
                          fmt::format("the heading has {} columns and is of no plate known here", columns));
    block.shape = *shape;
    for (std::uint32_t number = 1; number <= shape->rows; ++number) {
        std::uint32_t const at = row + number;
        if (sheet.text(at, column) != row_letters(number))
            return wrong_cell(sheet, at, column, fmt::format("row {} of the plate is missing", row_letters(number)));
        for (Cell const& cell : sheet.row(at)) {
            if (cell.column == column) continue;
            if (cell.column < column || cell.column > column + columns)
                return wrong_cell(sheet, at, cell.column, fmt::format("{} stands beside the plate", in_quotes(cell.text)));
            block.wells.push_back({number, cell.column - column, &cell});
        }
    }
    block.end = row + shape->rows + 1;
    return block;
}

Result<Reading> reading_of(Sheet const& sheet, Cell const& cell, std::string well) {
    auto const refuse = [&](std::string const& why) {
        return wrong_cell(sheet, cell.row, cell.column, fmt::format("well {}: {}", well, why));
    };
    if (cell.formula) return refuse(fmt::format("{} is what a formula made, not what was measured", in_quotes(cell.text)));
    Reading reading;
    if (cell.kind == CellKind::number) {
        reading.value = cell.text;
    } else {
        std::string_view const word = trimmed(cell.text);
        if (cell.kind != CellKind::text || std::find(std::begin(words), std::end(words), word) == std::end(words))
            return refuse(fmt::format("{} is {}, expected a number; no such word is known here", in_quotes(word), name_of(cell.kind)));
        reading.flag = word;
    }
    reading.well = std::move(well);
    return reading;
}

}  // namespace marrowlink
