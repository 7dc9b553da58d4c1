// Thermo NanoDrop 8000 exports as text: absorbances and concentrations by position. Facts: notes.md.
//
// parse:        both, with the unit that the row names; ratios are left out and named. Refuses an unknown unit.
// completeness: whether the list of curves behind has a row for each measurement.
// Limits: text_table.hpp, list_table.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& nanodrop_format();

}  // namespace marrowlink
