// Numbers in byte order, for code that has no operating system below it. Big-endian, as Modbus registers and the adapter's log are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace marrowlink::wire {

using Bytes = std::span<std::uint8_t const>;
using MutableBytes = std::span<std::uint8_t>;

// `at` and as many bytes as the number has must lie within `in`.
constexpr std::uint16_t load_u16(Bytes in, std::size_t at) { return static_cast<std::uint16_t>(in[at] << 8 | in[at + 1]); }
constexpr std::uint32_t load_u32(Bytes in, std::size_t at) {
    return static_cast<std::uint32_t>(load_u16(in, at)) << 16 | load_u16(in, at + 2);
}
constexpr std::uint64_t load_u64(Bytes in, std::size_t at) {
    return static_cast<std::uint64_t>(load_u32(in, at)) << 32 | load_u32(in, at + 4);
}
constexpr void store_u16(MutableBytes out, std::size_t at, std::uint16_t value) {
    out[at] = static_cast<std::uint8_t>(value >> 8);
    out[at + 1] = static_cast<std::uint8_t>(value);
}
constexpr void store_u32(MutableBytes out, std::size_t at, std::uint32_t value) {
    store_u16(out, at, static_cast<std::uint16_t>(value >> 16));
    store_u16(out, at + 2, static_cast<std::uint16_t>(value));
}
constexpr void store_u64(MutableBytes out, std::size_t at, std::uint64_t value) {
    store_u32(out, at, static_cast<std::uint32_t>(value >> 32));
    store_u32(out, at + 4, static_cast<std::uint32_t>(value));
}

}  // namespace marrowlink::wire
