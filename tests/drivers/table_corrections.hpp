// Where the tables beside the shared samples are wrong, or say it in other words than the files, each proved by the file's bytes; and the
// samples that the walk in catalog/ leaves to another test, or that are not read.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/reading.hpp"
#include "plate_samples.hpp"

namespace plate_test {

struct TableCorrection {
    std::string_view sample;  // folder, or folder and file
    std::string_view reason;
    // Changes what it corrects; false: the row is no reading. Requires that `bytes` prove it.
    bool (*correct)(std::string_view bytes, TableRow& row);
    bool (*beside)(marrowlink::Reading const& reading) = nullptr;  // what is read beside the table
};
std::span<TableCorrection const> table_corrections();

struct WalkException {
    std::string_view sample;  // what its path begins with
    std::string_view reason;
};
std::span<WalkException const> walk_exceptions();

}  // namespace plate_test
