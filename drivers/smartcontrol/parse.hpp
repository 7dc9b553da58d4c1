// BMG Labtech Smart Control workbooks: endpoint fluorescence, luminescence and absorbance. Facts: notes.md.
//
// parse:        the raw readings, from the sheet of plates or the sheet that lists them as a table; where both are there they must agree.
// Derived values are left out and named. Refuses other measurements, and a sheet, filter or word that is not known. completeness: whether
// the zip archive is whole and every part of it checks. Limits: workbook.hpp, sheet.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& smart_control_format();

}  // namespace marrowlink
