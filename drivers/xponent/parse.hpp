// Luminex xPONENT exports as CSV: medians and bead counts of each analyte in each well. Facts: notes.md.
//
// parse:        the tables "Median" and "Count", and the events of each well; other tables are left out and named. Refuses tables that do
//               not name the same wells.
// completeness: whether the file has its last line, "CRC32: …"; what it is the sum of is not known, so it is not checked.
// Limits: text_table.hpp, list_table.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& xponent_format();

}  // namespace marrowlink
