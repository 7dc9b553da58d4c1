// What comes over an ASTM E1381 / CLSI LIS1-A link, as events. Pure: bytes in, events out. Facts: notes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace marrowlink::astm {

constexpr char stx = 0x02, etx = 0x03, eot = 0x04, enq = 0x05, ack = 0x06, nak = 0x15, etb = 0x17;
constexpr std::size_t frame_bytes_max = 64'000;  // of its text; a longer frame is damaged

enum class Heard : std::uint8_t {
    nothing,  // more bytes are needed
    enquiry,
    frame,
    damaged,  // a frame whose checksum does not hold, that is cut short by another, or too long
    end,      // EOT
    noise,    // bytes outside of frames
};

struct Event {
    Heard heard = Heard::nothing;
    std::size_t bytes = 0;  // that it took; 0 with `nothing`
    char number = 0;        // of a frame, '0' to '7'; whatever stands there
    std::string_view text;  // of a frame
};

// The first event of these bytes.
Event next_event(std::string_view bytes);

}  // namespace marrowlink::astm
