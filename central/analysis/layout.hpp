// What stands in which well of a plate, as a laboratory writes it: CSV with the columns well, drug, concentration, unit, role, replicate.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "central/analysis/plate_quality.hpp"
#include "central/analysis/table.hpp"
#include "core/plate_shape.hpp"

namespace marrowlink::analysis {

inline constexpr std::size_t annotation_cell_bytes_max = 128;     // of a layout or a sample sheet; a longer cell is refused
inline constexpr std::size_t annotation_bytes_max = 1024 * 1024;  // of the whole file; a larger one is refused

// Decimal text and unit as received; nM is what is analysed.
struct Concentration {
    std::string text, unit;
    double nm = 0.0;
};
// nM, uM or µM, mM, M; the text with a decimal point and above 0. Refused by what is wrong, in words that follow a place: `"0": …`.
Result<Concentration> concentration(std::string_view text, std::string_view unit);

struct LayoutWell {
    std::string name;                   // "A1", as the layout writes it
    std::uint32_t row = 0, column = 0;  // from 1
    Role role = Role::empty;
    std::string drug;
    std::optional<Concentration> dose;  // of every sample
    std::size_t replicate = 0;          // from 1, of every sample
};

struct PlateLayout {
    PlateShape shape{0, 0};
    std::vector<LayoutWell> wells;                        // by row, then column; every well of the plate
    LayoutWell const* find(WellPosition position) const;  // null where the plate has no such well

    // Roles are sample (or drug), negative (dmso, vehicle), positive (kill, bzcl), untreated (cells), empty (blank). A sample has drug,
    // concentration, unit and replicate; a control may name its drug. Refused, naming file, line and column: an unknown column, role or
    // unit, a concentration that is not above 0, a well twice, wells of no plate (24, 48, 96, 384 or 1536) or not all of its wells, the
    // same replicate of a dose twice, and whatever identifies a person.
    static Result<PlateLayout> read(std::string_view bytes, std::string name);
};

// A heading with other columns than `known`, or a cell that is too long, no UTF-8 or identifies a person, is refused with its place.
Result<Table> annotation_table(std::string_view bytes, std::string name, std::span<std::string_view const> known);

}  // namespace marrowlink::analysis
