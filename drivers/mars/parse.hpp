// BMG Labtech MARS plate exports as CSV: endpoint fluorescence, luminescence and absorbance, 96 to 1,536 wells. Facts: notes.md.
//
// parse:        the raw readings; derived tables are left out and named. Refuses an incomplete file, a filter, mode or word that is not
// known. completeness: whether the last line is whole and, on 96- and 384-well plates, every row is there. Limits: text_table.hpp,
// plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& mars_format();

}  // namespace marrowlink
