// What an adapter keeps: the slots of its log, as its window shows them. Nothing here frees any but free_adapter_log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/adapter.hpp"
#include "wire/adapter_slot.hpp"

namespace marrowlink {

struct AdapterSlot {
    std::uint64_t position = 0;  // in the log, of its first byte
    wire::Slot slot;
    std::string payload;
    bool holds = true;  // else the memory went bad there

    std::uint64_t end() const { return position + wire::slot_bytes(slot); }
    bool is_data() const { return slot.kind == wire::SlotKind::data; }
};

// What the answer shows of the log from `cursor` on. `closed`: it shows another place.
Result<std::vector<std::uint8_t>> window_bytes(ModbusMaster const& bus, AdapterPlace const& place, Result<ModbusAnswer> const& answer,
                                               std::uint64_t cursor);

// The slot at the beginning of `bytes`, which stand at `position`; nothing while it is not whole. `closed`: they are no slot.
Result<std::optional<AdapterSlot>> first_slot(ModbusMaster const& bus, AdapterPlace const& place, std::vector<std::uint8_t> const& bytes,
                                              std::uint64_t position);

// In whole sentences what is missing at a slot that is not data, or does not hold.
std::string words_of_gap(AdapterSlot const& slot);

// All that waits by this state, the oldest first.
Task<Result<std::vector<AdapterSlot>>> read_adapter_log(ModbusMaster& bus, AdapterPlace const& place, AdapterState const& state);

// All that waits by this state is lost, whoever's it is.
Task<Result<void>> free_adapter_log(ModbusMaster& bus, AdapterPlace const& place, AdapterState const& state);

}  // namespace marrowlink
