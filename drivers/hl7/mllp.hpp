// What comes over a line with HL7's minimal lower layer protocol (MLLP), as events. Pure: bytes in, events out. Facts: notes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace marrowlink::hl7 {

constexpr char begin_block = 0x0B, end_block = 0x1C, carriage_return = 0x0D;
constexpr std::size_t message_bytes_max = 4u << 20;  // of one message; a longer one is kept as unreadable

enum class Heard : std::uint8_t {
    nothing,  // more bytes are needed
    message,
    cut,       // a message without its end: another begins behind it
    too_long,  // what is there of a message beyond the limit; the rest of it is noise
    noise,     // bytes outside of messages
};

struct Event {
    Heard heard = Heard::nothing;
    std::size_t bytes = 0;  // that it took; 0 with `nothing`
    std::string_view text;  // of a message, without what frames it
};

// The first event of these bytes.
Event next_event(std::string_view bytes);

std::string framed(std::string_view message);

}  // namespace marrowlink::hl7
