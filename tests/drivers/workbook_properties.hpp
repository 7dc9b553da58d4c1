// What must hold for every format that comes as a workbook. The own inputs are texts (workbook_maker.hpp), tests/data/<folder>/*.sheets.
#pragma once

#include <string>
#include <string_view>

#include "drivers/document.hpp"
#include "drivers/zip_directory.hpp"
#include "tests/drivers/workbook_maker.hpp"

namespace workbook_test {

// Strings in the cells or apart, prefixes, UTF-16, sizes behind the data: the same readings, identity and notes.
void every_writing_reads_the_same(marrowlink::ExportFormat const& format, std::string_view folder);

// Cut at any byte it is incomplete, and with one bit of a packed part changed it is not taken; own files, and the samples `shared`.
void no_part_of_a_workbook_passes(marrowlink::ExportFormat const& format, std::string_view folder, std::string_view shared);

// A digit of the sheets changed, and the archive made anew, so that its checksums fit.
void changed_digits_of_sheets_move_no_well(marrowlink::ExportFormat const& format, std::string_view folder);

// Nothing of `name` is left in the copy that leaves the site, and it reads the same.
void names_do_not_leave(marrowlink::ExportFormat const& format, std::string bytes, std::string_view name);

}  // namespace workbook_test
