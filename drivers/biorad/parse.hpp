// The plate of a Bio-Rad Model 550 or 680 reader to readings. Pure. Facts: notes.md.
#pragma once

#include <string_view>

#include "drivers/document.hpp"

namespace marrowlink::biorad {

// `bytes`: from the heading "BIO-RAD …" through the last ".end" and its CR. Optical densities as they are written, asterisks as a flag; a
// block for the measurement filter and, in dual readings, one for the reference filter. The Model 680 writes the wavelength, the Model 550
// the filter's position, which is no wavelength and stands in `read`. Refused, by line and what was found: another sum, anything unknown.
Result<Document> parse(std::string_view bytes);

}  // namespace marrowlink::biorad
