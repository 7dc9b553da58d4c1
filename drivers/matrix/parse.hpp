// Revvity Matrix (Cellaca) exports as CSV: counts, densities and sizes of live and dead cells. Facts: notes.md.
//
// parse:        all values as the file writes them, the well being the name that the row has. What it says of errors becomes a note.
// completeness: whether the last row is whole; nothing says how many rows there are.
// Limits: text_table.hpp, list_table.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& matrix_format();

}  // namespace marrowlink
