// Thermo SkanIt workbooks: endpoint absorbance and luminescence, several wavelengths, steps and plates. Facts: notes.md.
//
// parse:        the measured blocks of every sheet of measurement results; layouts are left out. Refuses another measurement, a block,
// sheet or word that is not known, and a sheet that is shorter than its last line says. completeness: whether the zip archive is whole and
// every part of it checks. Limits: workbook.hpp, sheet.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& skanit_format();

}  // namespace marrowlink
