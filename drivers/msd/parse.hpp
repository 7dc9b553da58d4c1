// MSD Workbench (Discovery Workbench, Methodical Mind) exports as CSV: electrochemiluminescence of each spot of a well. Facts: notes.md.
//
// parse:        the signals; what was fitted or averaged is left out and named.
// completeness: whether the last row is whole; nothing says how many rows there are.
// Limits: text_table.hpp, list_table.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& msd_format();

}  // namespace marrowlink
