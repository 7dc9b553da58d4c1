// What an Agilent BioTek reader says on its serial line, as events. Pure: bytes in, events out. Facts: notes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace marrowlink::biotek {

constexpr std::size_t plate_bytes_max = 64u << 10;  // of one plate; 1,536 wells take 23 KiB
constexpr std::size_t answer_bytes_max = 80;        // of the answer to a command; a longer one is noise

enum class Heard : std::uint8_t {
    nothing,  // more bytes are needed
    answer,   // to somebody's command
    plate,    // all of it, whatever it holds
    cut,      // a plate without its end: another begins behind it, or it is too long
    noise,
};

struct Event {
    Heard heard = Heard::nothing;
    std::size_t bytes = 0;  // that it took; 0 with `nothing`
    std::string_view text;  // of an answer: without its status and the spaces before it
    std::string_view status;
};

// The first event of these bytes.
Event next_event(std::string_view bytes);

// Whether a plate's head stands first: "01,1," CR and a time.
bool plate_begins(std::string_view bytes);

// "2D06" and the like in words: "status 2D06: the reader does not accept the assay definition".
std::string words_of(std::string_view status);

}  // namespace marrowlink::biotek
