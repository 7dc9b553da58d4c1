// The plate of an Agilent BioTek reader to readings. Pure. Facts: notes.md.
#pragma once

#include <string_view>

#include "drivers/document.hpp"

namespace marrowlink::biotek {

// `bytes`: from the plate's head through its ETX. Values as they are written; those with a sign are optical densities, those without are
// counts, and a field with "*" is a flag. Refused, by place and what was found: another sum, another status than 0000, a well twice or out
// of its order, several times (kinetics), anything else. The reader names no plate, no assay and no date.
Result<Document> parse(std::string_view bytes);

}  // namespace marrowlink::biotek
