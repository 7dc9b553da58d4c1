// A slot: what the adapter keeps of its instrument until the gateway has committed it, and what the gateway reads, byte for byte the same.
// docs/adapter-registers.md shows one.
#pragma once

#include <optional>

#include "wire/crc.hpp"

namespace marrowlink::wire {

enum class SlotKind : std::uint8_t {
    data = 1,     // what the instrument said
    loss = 2,     // here something is missing; payload: u32 bytes refused, u32 characters damaged on the line, u32 overruns
    restart = 3,  // the adapter began anew here: what it had heard and not yet written is gone; payload: u16 cause (adapter_map.hpp)
};

// Why a data slot ends where it does.
enum class SlotEnd : std::uint8_t { none = 0, terminator = 1, length = 2, idle = 3, frame = 4, full = 5 };

struct Slot {
    std::uint32_t sequence = 0;    // one more than the slot before; never used twice in the life of a log
    std::uint64_t offset = 0;      // bytes of data that all slots before this one held, since the log began
    std::uint32_t boot = 0;        // the adapter's starts, counted
    std::uint32_t arrived_ms = 0;  // the adapter's uptime when the first byte came, modulo 2^32
    std::uint16_t lasted_ms = 0;   // from the first to the last byte; 65535: or longer
    SlotKind kind = SlotKind::data;
    SlotEnd end = SlotEnd::none;
    std::uint16_t payload_bytes = 0;
};

inline constexpr std::uint16_t slot_mark = 0x534C;  // "SL"
inline constexpr std::size_t slot_header_bytes = 28;
inline constexpr std::size_t slot_payload_bytes_max = 1'024;
inline constexpr std::size_t slot_sum_bytes = 4;  // CRC-32 of header and payload
inline constexpr std::size_t slot_bytes_max = slot_header_bytes + slot_payload_bytes_max + slot_sum_bytes;

constexpr std::size_t slot_bytes(Slot const& slot) { return slot_header_bytes + slot.payload_bytes + slot_sum_bytes; }

constexpr void write_header(Slot const& slot, MutableBytes out) {
    store_u16(out, 0, slot_mark);
    store_u16(out, 2, slot.payload_bytes);
    store_u32(out, 4, slot.sequence);
    store_u64(out, 8, slot.offset);
    store_u32(out, 16, slot.boot);
    store_u32(out, 20, slot.arrived_ms);
    store_u16(out, 24, slot.lasted_ms);
    out[26] = static_cast<std::uint8_t>(slot.kind);
    out[27] = static_cast<std::uint8_t>(slot.end);
}

// Nothing where these bytes cannot be a header. Only the CRC behind the payload proves that they are one.
constexpr std::optional<Slot> read_header(Bytes in) {
    if (in.size() < slot_header_bytes || load_u16(in, 0) != slot_mark) return std::nullopt;
    Slot slot;
    slot.payload_bytes = load_u16(in, 2);
    slot.sequence = load_u32(in, 4);
    slot.offset = load_u64(in, 8);
    slot.boot = load_u32(in, 16);
    slot.arrived_ms = load_u32(in, 20);
    slot.lasted_ms = load_u16(in, 24);
    slot.kind = static_cast<SlotKind>(in[26]);
    slot.end = static_cast<SlotEnd>(in[27]);
    if (slot.payload_bytes > slot_payload_bytes_max || in[26] < 1 || in[26] > 3 || in[27] > 5) return std::nullopt;
    return slot;
}

}  // namespace marrowlink::wire
