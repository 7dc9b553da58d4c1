// Tecan Magellan workbooks, a list of wells: endpoint absorbance, several measurements and plates. Facts: notes.md.
//
// parse:        the columns of measured values; columns of which the settings say nothing are left out and named. Refuses a list without
// well positions, another mode, and a line or word that is not known. completeness: whether the zip archive is whole and every part of it
// checks. Limits: workbook.hpp, sheet.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& magellan_format();

}  // namespace marrowlink
