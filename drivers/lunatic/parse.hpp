// Unchained Labs Lunatic exports as CSV, with or without the head of a report: absorbances of wells, 10 mm. Facts: notes.md.
//
// parse:        the absorbances; concentrations and ratios are left out and named. Refuses a position that its row and column contradict.
// completeness: whether the last row is whole; nothing says how many rows there are.
// Limits: text_table.hpp, list_table.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& lunatic_format();

}  // namespace marrowlink
