// Any bytes as the memory of an adapter's log: it opens or says that it cannot, what it says is there can be read and acknowledged, and it
// goes on. Input: first what the sums of its first cells and slots shall be made to hold for, since chance finds no CRC; then the memory.
#include <cstdint>
#include <cstdlib>

#include "firmware/slot_log.hpp"
#include "tests/sim/adapter_parts.hpp"

using namespace marrowlink;
using firmware::SlotLog;

namespace {
void hold(bool what) {
    if (!what) std::abort();
}

void seal(wire::MutableBytes bytes) {
    std::size_t const sum_at = bytes.size() - wire::slot_sum_bytes;
    wire::store_u32(bytes, sum_at, wire::crc32(bytes.first(sum_at)));
}

// Numbers that no log lives to count to are not given a sum that holds: they would come round to zero.
void seal_cells_and_slots(wire::MutableBytes memory, std::uint8_t cells, std::uint8_t slots) {
    constexpr std::size_t generation_at = 4, freed_at = 12;
    for (std::size_t i = 0; i < SlotLog::cells && i < cells; ++i) {
        wire::MutableBytes const cell = memory.subspan(i * SlotLog::cell_bytes, SlotLog::cell_bytes);
        cell[generation_at] = cell[freed_at] = 0;
        seal(cell);
    }
    for (std::size_t i = 0; i < SlotLog::settings_copies && i < cells; ++i)
        seal(memory.subspan(SlotLog::cells * SlotLog::cell_bytes + i * SlotLog::settings_bytes, SlotLog::settings_bytes));
    wire::MutableBytes rest = memory.subspan(SlotLog::ring_at);
    for (; slots > 0; --slots) {
        auto const slot = wire::read_header(rest);
        if (!slot || wire::slot_bytes(*slot) > rest.size()) return;
        seal(rest.first(wire::slot_bytes(*slot)));
        rest = rest.subspan(wire::slot_bytes(*slot));
    }
}

// As the gateway does: from `freed` to `written`, cut into slots.
std::uint64_t read_all(SlotLog& log) {
    hold(log.freed() <= log.written() && log.written() - log.freed() <= log.capacity_bytes());
    std::vector<std::uint8_t> bytes(log.written() - log.freed());
    hold(log.read(log.freed(), bytes));
    std::uint64_t first_end = log.freed();
    std::optional<std::uint32_t> sequence;
    for (wire::Bytes rest(bytes); !rest.empty();) {
        auto const slot = wire::read_header(rest);
        hold(slot && wire::slot_bytes(*slot) <= rest.size());
        hold(!sequence || slot->sequence == *sequence + 1);
        sequence = slot->sequence;
        rest = rest.subspan(wire::slot_bytes(*slot));
        if (first_end == log.freed()) first_end += wire::slot_bytes(*slot);
    }
    return first_end;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 2) return 0;
    sim::AdapterMemory memory(SlotLog::storage_bytes_min);
    std::copy_n(data + 2, std::min(size - 2, memory.memory.size()), memory.memory.begin());
    seal_cells_and_slots(memory.memory, data[0], data[1]);
    std::uint64_t freed = 0, written = 0;
    {
        SlotLog log(memory);
        if (!log.open()) return 0;
        log.settings();
        std::uint64_t const first_end = read_all(log);
        hold(log.free(first_end) == SlotLog::Outcome::done && log.freed() == first_end);
        std::array<std::uint8_t, 9> const text{};
        log.append({}, text);
        read_all(log);
        freed = log.freed();
        written = log.written();
    }
    SlotLog again(memory);
    hold(again.open());
    read_all(again);
    hold(again.freed() == freed && again.written() >= written);
    return 0;
}
