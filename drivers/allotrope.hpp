// A plate in the Allotrope Simple Model: JSON for plate readers, REC/2025/03, one document a file and in it one "plate reader document" a
// well. What becomes of what: docs/allotrope.md. Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/json.hpp"
#include "drivers/document.hpp"

namespace marrowlink {

inline constexpr std::string_view allotrope_manifest = "http://purl.allotrope.org/manifests/plate-reader/REC/2025/03/plate-reader.manifest";

struct AllotropeSource {
    std::string sha256;      // of the file, hex. Its name and folder are left out: a person may stand in them
    std::string_view title;  // of its format: "Agilent BioTek Gen5 text export"
    std::string measured;    // when, as the model asks for it: RFC 3339 with an offset
};

// `usage` when the time is missing or is none. `refused`, naming the read and the well: cytometry, readings that are neither absorbance nor
// fluorescence nor luminescence, wells of no plate. Where a word stands in a number's place, no number is made up: the measurement has no
// result and an error document with that word; within a series the value is null.
Result<json::object> allotrope_of(Document const& document, AllotropeSource const& source);

}  // namespace marrowlink
