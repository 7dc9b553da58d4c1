// Which bytes of an FCS file may name a person, and what identifies the run without naming anyone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "drivers/document.hpp"
#include "drivers/fcs/layout.hpp"

namespace marrowlink::fcs {

// Operator, patient, specimen, file and free-text keywords; `keyword` in upper case. The list and its reasons: notes.md.
bool may_name_a_person(std::string_view keyword);

// Values of such keywords in TEXT, supplemental TEXT and ANALYSIS of every data set, in file order, those that are not blank already.
std::vector<NameBearing> name_bearing(Layout const& layout, std::string_view bytes);

// "guid:…" when the software wrote one, else "cytometer:SERIAL DATE TIME …" whose last part is a SHA-256 in which the name-bearing $FIL
// went, else empty: the caller then uses the SHA-256 of the bytes.
std::string identity(Text const& text);

}  // namespace marrowlink::fcs
