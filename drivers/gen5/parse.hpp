// Agilent BioTek Gen5 text exports (seen: 3.0 to 3.15): endpoint, kinetic and spectrum reads, several reads and plates in a file. Facts:
// notes.md.
//
// parse:        the raw readings of all plates in the file's order; derived data sets (Blank …, NormLum, Max V …) are left out and named in
// the
//               notes. Refuses an incomplete file, an unknown section, word or read mode, and a decimal separator that cannot be told.
// completeness: whether the file has its grammar's end: every announced data set, every plate row, whole lines. A file that is refused for
//               another reason counts as complete.
// Limits: text_table.hpp, gen5/procedure.hpp, gen5/tables.hpp, and plates_max here.
#pragma once

#include <cstddef>

#include "drivers/document.hpp"

namespace marrowlink {

namespace gen5 {
constexpr std::size_t plates_max = 1'000;  // of one file; one more: refused
}  // namespace gen5

ExportFormat const& gen5_format();

}  // namespace marrowlink
