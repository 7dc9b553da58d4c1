// PerkinElmer EnVision Manager exports as CSV: endpoint absorbance, fluorescence and luminescence, several labels and plates in a file.
// Facts: notes.md.
//
// parse:        the raw readings of all plates in the file's order; calculated tables are left out and named. Refuses an incomplete file,
//               kinetics, a missing row and a word in a number's place.
// completeness: whether the file has its last line, "Exported with EnVision Workstation version …".
// Limits: text_table.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& envision_format();

}  // namespace marrowlink
