// What a Bio-Rad Model 550 or 680 reader is told and says on its serial line. Pure: bytes in, events out. Facts: notes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace marrowlink::biorad {

constexpr std::size_t plate_bytes_max = 8u << 10;  // of one plate; two blocks of 96 wells take 1.5 KiB
constexpr std::size_t line_bytes_max = 120;        // of an answer without a plate; a longer one is noise

std::string encode(std::string_view command);  // "EIA.READER AQ" and a carriage return

enum class Heard : std::uint8_t {
    nothing,  // more bytes are needed
    answer,   // a code, and perhaps a word
    plate,    // a code and a plate, whatever it holds
    cut,      // a plate without its end: another answer begins behind it, or it is too long
    noise,
};

struct Event {
    Heard heard = Heard::nothing;
    std::size_t bytes = 0;  // that it took; 0 with `nothing`
    std::string_view code;  // of an answer or a plate; "0000" is good
    std::string_view text;  // of an answer: what stands behind the code; of a plate: from its heading through the last ".end" and CR
};

// The first event of these bytes.
Event next_event(std::string_view bytes);

std::string words_of(std::string_view code);  // "error 8073: the reader is not under remote control"

}  // namespace marrowlink::biorad
