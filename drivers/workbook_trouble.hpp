// What looks like a workbook and is none that can be read.
#pragma once

#include <string_view>

#include "core/error.hpp"

namespace marrowlink {

// What keeps these bytes from being a workbook that can be read, though they look like one, or like the lock file that Excel writes beside
// it: `unavailable` when the end is missing, `refused` with a sentence otherwise. Nothing is wrong with what looks like neither.
Result<void> workbook_trouble(std::string_view bytes);

}  // namespace marrowlink
