// Check sums of serial lines and of the adapter's log. Four bits at a time: sixteen words of flash each, and fast enough for both.
#pragma once

#include <array>

#include "wire/bytes.hpp"

namespace marrowlink::wire {

namespace detail {
template <class Word>
constexpr std::array<Word, 16> nibble_table(Word reversed_polynomial) {
    std::array<Word, 16> table{};
    for (unsigned n = 0; n < 16; ++n) {
        Word word = static_cast<Word>(n);
        for (int bit = 0; bit < 4; ++bit) word = static_cast<Word>(word & 1 ? word >> 1 ^ reversed_polynomial : word >> 1);
        table[n] = word;
    }
    return table;
}
template <class Word>
constexpr Word crc(std::array<Word, 16> const& table, Bytes bytes, Word sum) {
    for (std::uint8_t const byte : bytes) {
        sum = static_cast<Word>(sum ^ byte);
        sum = static_cast<Word>(sum >> 4 ^ table[sum & 15]);
        sum = static_cast<Word>(sum >> 4 ^ table[sum & 15]);
    }
    return sum;
}
inline constexpr auto crc16_table = nibble_table<std::uint16_t>(0xA001);
inline constexpr auto crc32_table = nibble_table<std::uint32_t>(0xEDB88320);
}  // namespace detail

// Modbus over Serial Line V1.02, 6.2.2; sent low byte first. `sum`: of the bytes before these.
constexpr std::uint16_t crc16_modbus(Bytes bytes, std::uint16_t sum = 0xFFFF) { return detail::crc(detail::crc16_table, bytes, sum); }

// ISO-HDLC, as zip and Ethernet have it. `before`: what this returned for the bytes before these.
constexpr std::uint32_t crc32(Bytes bytes, std::uint32_t before = 0) { return ~detail::crc(detail::crc32_table, bytes, ~before); }

}  // namespace marrowlink::wire
