// Text in the encodings that instruments use, brought to UTF-8 without guessing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace marrowlink {

enum class TextEncoding : std::uint8_t { utf_8, latin_1, cp1252 };

bool is_utf8(std::string_view bytes);  // well-formed (no overlong forms, no surrogates, nothing above U+10FFFF)

std::string lower_case(std::string_view text);  // A to Z only

// At most `bytes_max` bytes of UTF-8, never ended within a letter: for what is quoted in a sentence.
std::string_view beginning_of(std::string_view text, std::size_t bytes_max);

// `refused`, naming the first byte that does not belong to the encoding.
Result<std::string> to_utf8(std::string_view bytes, TextEncoding encoding);

// JSON is UTF-8; a file name or a field that is not is shown as Latin-1.
std::string utf8_of(std::string_view text);

}  // namespace marrowlink
