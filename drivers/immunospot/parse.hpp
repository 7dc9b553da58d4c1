// CTL ImmunoSpot exports as text: spots of each well of a plate, their size and intensity. Facts: notes.md.
//
// parse:        the readings of all tables; the settings of the count are notes. Refuses a missing row or cell and an unknown word.
// completeness: whether all five tables are there.
// Limits: text_table.hpp, plate_shape.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& immunospot_format();

}  // namespace marrowlink
