// The link layer of laboratory instruments: ASTM E1381, today CLSI LIS01-A2. What both an adapter and a driver must know of a frame.
#pragma once

#include "wire/bytes.hpp"

namespace marrowlink::wire::astm {

inline constexpr std::uint8_t stx = 0x02, etx = 0x03, eot = 0x04, enq = 0x05, ack = 0x06, lf = 0x0A, cr = 0x0D, nak = 0x15, etb = 0x17;
inline constexpr std::size_t frame_bytes_max = 247;  // 240 of text and seven around it (6.3.1.2)

// Whether the two hexadecimal digits, of either case, hold the sum of everything behind STX up to and with ETX or ETB (6.3.1.3).
constexpr bool sum_holds(Bytes summed, std::uint8_t high, std::uint8_t low) {
    unsigned sum = 0;
    for (std::uint8_t const byte : summed) sum += byte;
    auto const digit = [](unsigned nibble) { return static_cast<std::uint8_t>(nibble < 10 ? '0' + nibble : 'A' + nibble - 10); };
    auto const upper = [](std::uint8_t c) { return c >= 'a' && c <= 'f' ? static_cast<std::uint8_t>(c - 'a' + 'A') : c; };
    return upper(high) == digit(sum >> 4 & 15) && upper(low) == digit(sum & 15);
}

// `frame`: from STX to LF.
constexpr bool whole(Bytes frame) {
    if (frame.size() < 7 || frame.size() > frame_bytes_max) return false;
    std::size_t const end = frame.size() - 5;
    if (frame[0] != stx || (frame[end] != etx && frame[end] != etb) || frame[end + 3] != cr || frame[end + 4] != lf) return false;
    return sum_holds(frame.subspan(1, end), frame[end + 1], frame[end + 2]);
}

}  // namespace marrowlink::wire::astm
