// Molecular Devices SoftMax Pro text exports (5 to 7): endpoint and kinetic absorbance, fluorescence and luminescence, several wavelengths
// and plates in a file. Facts: notes.md.
//
// parse:        the raw readings of all plates in the file's order; reduced values are left out and named in the notes. Refuses an
// incomplete
//               file, an unknown block, word or read, a missing row, and a decimal separator that cannot be told.
// completeness: whether every announced block has its end, and the file its last line.
// present:      of an incomplete file, the readings that are there.
// Limits: text_table.hpp, softmax/outline.hpp, softmax/plate.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& softmax_format();

}  // namespace marrowlink
