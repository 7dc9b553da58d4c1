// Every format and instrument the product knows; one line each in catalog.cpp.
#pragma once

#include <span>
#include <string_view>

#include "drivers/document.hpp"

namespace marrowlink {

std::span<ExportFormat const> export_formats();

// The one format that recognises these bytes; a refusal names what was found otherwise. `unavailable`: the beginning of a workbook, whose
// software cannot be told before its end is there.
Result<ExportFormat const*> recognise(std::string_view bytes);

}  // namespace marrowlink
