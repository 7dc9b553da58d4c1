// An HL7 v2 ORU^R01 message to readings. Pure. Facts: notes.md.
#pragma once

#include <string>
#include <string_view>

#include "core/text.hpp"
#include "drivers/document.hpp"

namespace marrowlink::hl7 {

// `identity` is MSH-3, MSH-4 and MSH-10; a reading's plate is OBR-3 (else OBR-2), its read OBX-3 with OBX-4 behind a "/". A number is a
// value as it is written; a bound, a structured number or a word is a flag, and so are OBX-8 and an OBX-11 other than F. What is not a
// result (X, W, D, N, I, O) has no value; nor here what may name people. All but listed fields is name-bearing.
//
// `unsaid`: where MSH-18 names no character set. Errors name the line and the field, and quote nothing.
Result<Document> parse(std::string_view message, TextEncoding unsaid);

// The same for a message that is sent again: all but MSH-7, the time at which it was sent.
std::string sameness(std::string_view message);

}  // namespace marrowlink::hl7
