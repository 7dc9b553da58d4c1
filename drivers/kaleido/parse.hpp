// Revvity Kaleido (EnSight) exports as CSV, 2.0 to 3.5: endpoint absorbance, fluorescence and luminescence. Facts: notes.md.
//
// parse:        the readings of all results in the file's order. Refuses an incomplete file, a technique that is not known, a missing row
// and
//               a word in a number's place.
// completeness: whether the file has its last line, "Exported with Kaleido …".
// Limits: text_table.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& kaleido_format();

}  // namespace marrowlink
