// What comes over an ASTM E1381 / CLSI LIS1-A link, as events. Pure: bytes in, events out. Facts: notes.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/astm_link.hpp"

namespace marrowlink::astm {

constexpr char stx = wire::astm::stx, etx = wire::astm::etx, eot = wire::astm::eot, enq = wire::astm::enq, ack = wire::astm::ack,
               nak = wire::astm::nak, etb = wire::astm::etb;
constexpr std::size_t frame_bytes_max = 64'000;  // of its text (LIS1-A; an adapter holds E1381 frames only); a longer frame is damaged

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
