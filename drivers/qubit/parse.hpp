// Thermo Qubit 4 exports as CSV: fluorescence of tubes. Facts: notes.md.
//
// parse:        the fluorescence in the channel that the row names, its well being the name of the test; concentrations are left out and
//               named. Refuses an unknown channel and a row without its value.
// completeness: whether the last row is whole; nothing says how many rows there are.
// Limits: text_table.hpp, list_table.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& qubit_format();

}  // namespace marrowlink
