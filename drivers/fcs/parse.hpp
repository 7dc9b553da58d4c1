// Flow cytometry data files: FCS 2.0, 3.0, 3.1 (and 3.2 by its description), list mode, one or more data sets. Facts: notes.md.
//
// parse:        every data set with its first and last three events, sum, min and max; refuses an incomplete file.
// present:      the same of an incomplete file: the events that are there.
// completeness: whether all data sets hold the events that $TOT promises. A file that is refused for another reason counts as complete.
// events:       one CSV per data set, parted by an empty line: parameter names, then an event a line.
// Limits: fcs/layout.hpp, fcs/text.hpp.
#pragma once

#include "drivers/document.hpp"

namespace marrowlink {

ExportFormat const& fcs_format();

}  // namespace marrowlink
