// The log of slots: a ring of bytes in storage that survives any loss of power, at any byte of any write.
//
// Positions count bytes for ever; a slot stands at its position modulo the ring. What is kept beside it (how far the gateway has
// acknowledged, whose log it is, starts) is a cell, written in turn over 32 places, so that none wears and a torn one leaves the one
// before.
#pragma once

#include <array>
#include <optional>

#include "firmware/storage.hpp"
#include "wire/adapter_slot.hpp"

namespace marrowlink::firmware {

using OwnerName = std::array<std::uint8_t, wire::adapter::owner::name_bytes_max>;

// Whose line the log keeps; see wire/adapter_map.hpp.
struct Owner {
    std::uint64_t id = 0, binding = 0, data_base = 0;
    OwnerName name{};
    bool operator==(Owner const&) const = default;
};

class SlotLog {
 public:
    static constexpr std::uint32_t cells = 32, cell_bytes = 96;
    static constexpr std::uint32_t settings_copies = 2, settings_bytes = 64;
    static constexpr std::uint32_t ring_at = cells * cell_bytes + settings_copies * settings_bytes;
    static constexpr std::uint32_t storage_bytes_min = ring_at + 4 * wire::slot_bytes_max;
    static constexpr std::uint32_t reserve_bytes = 512;  // of the ring, kept from data for slots that tell of losses and starts

    enum class Outcome : std::uint8_t { done, no_room, failed };

    explicit SlotLog(Storage& storage) : storage_(storage) {}
    SlotLog(SlotLog const&) = delete;
    SlotLog& operator=(SlotLog const&) = delete;

    // Finds what is kept, or makes an empty log of a storage that never held one, and counts this start. False: the storage cannot be used.
    bool open();

    // Durable when `done`. `no_room` and `failed` leave the log as it was. `slot`: kind, end, arrived_ms and lasted_ms are taken from it.
    Outcome append(wire::Slot slot, wire::Bytes payload);

    bool has_room(std::size_t payload_bytes) const;

    std::uint64_t freed() const { return state_.freed; }
    std::uint64_t freed_data() const { return state_.offset; }  // bytes of data in the slots before it
    std::uint64_t written() const { return written_; }
    bool empty() const { return written_ == state_.freed; }
    std::uint32_t capacity_bytes() const { return ring_bytes_; }
    std::uint32_t boots() const { return state_.boots; }
    Owner const& owner() const { return state_.owner; }

    // The log's bytes from `position` on, within [freed, written]. False: it is not, or the storage failed.
    bool read(std::uint64_t position, wire::MutableBytes out);

    // Slots before `position` may be written over. `no_room`: no slot ends there.
    Outcome free(std::uint64_t position);

    // `no_room`: another's slots wait.
    Outcome own(Owner const& owner);

    // Nothing: none are kept, or they do not hold.
    std::optional<wire::adapter::SettingsRegisters> settings();
    bool keep(wire::adapter::SettingsRegisters const& settings);

 private:
    struct State {
        std::uint32_t generation = 0;
        std::uint32_t boots = 0;
        Owner owner;
        std::uint64_t freed = 0;     // position…
        std::uint32_t sequence = 0;  // …and what the slot there has
        std::uint64_t offset = 0;
    };

    bool erase();
    bool load_state();
    bool store_state(State next);
    bool read_ring(std::uint64_t position, wire::MutableBytes out);
    bool write_ring(std::uint64_t position, wire::Bytes bytes);
    std::optional<wire::Slot> next_kept();
    std::optional<wire::Slot> slot_at(std::uint64_t position);

    Storage& storage_;
    std::uint32_t ring_bytes_ = 0;
    State state_;
    std::uint64_t written_ = 0;
    std::uint32_t next_sequence_ = 0;
    std::uint64_t next_offset_ = 0;
    std::uint32_t settings_generation_ = 0;
    std::array<std::uint8_t, wire::slot_bytes_max> slot_{};
};

}  // namespace marrowlink::firmware
