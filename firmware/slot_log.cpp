#include "firmware/slot_log.hpp"

#include <algorithm>

namespace marrowlink::firmware {
namespace {
using namespace wire;

constexpr std::uint32_t cell_mark = 0x4D4C4331;      // "MLC1": the layout of the whole storage
constexpr std::uint32_t settings_mark = 0x4D4C5331;  // "MLS1"

using Cell = std::array<std::uint8_t, SlotLog::cell_bytes>;
using SettingsCell = std::array<std::uint8_t, SlotLog::settings_bytes>;
constexpr std::size_t cell_sum_at = SlotLog::cell_bytes - 4;
constexpr std::size_t settings_sum_at = SlotLog::settings_bytes - 4;
}  // namespace

bool SlotLog::open() {
    if (storage_.bytes() < storage_bytes_min) return false;
    ring_bytes_ = storage_.bytes() - ring_at;
    state_ = {};
    if (!load_state()) return false;
    if (state_.generation == 0 && !erase()) return false;
    written_ = state_.freed;
    next_sequence_ = state_.sequence;
    next_offset_ = state_.offset;
    while (auto const slot = next_kept()) {
        written_ += slot_bytes(*slot);
        ++next_sequence_;
        if (slot->kind == SlotKind::data) next_offset_ += slot->payload_bytes;
    }
    State next = state_;
    ++next.boots;
    return store_state(next);
}

SlotLog::Outcome SlotLog::append(Slot slot, Bytes payload) {
    slot.payload_bytes = static_cast<std::uint16_t>(payload.size());
    std::size_t const bytes = slot_bytes(slot);
    if (written_ - state_.freed + bytes + (slot.kind == SlotKind::data ? reserve_bytes : 0) > ring_bytes_) return Outcome::no_room;
    slot.sequence = next_sequence_;
    slot.offset = next_offset_;
    slot.boot = state_.boots;
    write_header(slot, slot_);
    std::copy(payload.begin(), payload.end(), slot_.begin() + slot_header_bytes);
    store_u32(slot_, bytes - slot_sum_bytes, crc32(Bytes(slot_).first(bytes - slot_sum_bytes)));
    if (!write_ring(written_, Bytes(slot_).first(bytes))) return Outcome::failed;
    written_ += bytes;
    ++next_sequence_;
    if (slot.kind == SlotKind::data) next_offset_ += payload.size();
    return Outcome::done;
}

bool SlotLog::has_room(std::size_t payload_bytes) const {
    return written_ - state_.freed + slot_header_bytes + payload_bytes + slot_sum_bytes + reserve_bytes <= ring_bytes_;
}

bool SlotLog::read(std::uint64_t position, MutableBytes out) {
    if (position < state_.freed || position > written_ || out.size() > written_ - position) return false;
    return read_ring(position, out);
}

SlotLog::Outcome SlotLog::free(std::uint64_t position) {
    if (position <= state_.freed) return Outcome::done;  // said before
    if (position > written_) return Outcome::no_room;
    State next = state_;
    while (next.freed < position) {
        std::array<std::uint8_t, slot_header_bytes> header;
        if (!read_ring(next.freed, header)) return Outcome::failed;
        auto const slot = read_header(header);
        if (!slot) return Outcome::failed;
        next.freed += slot_bytes(*slot);
        ++next.sequence;
        if (slot->kind == SlotKind::data) next.offset += slot->payload_bytes;
    }
    if (next.freed != position) return Outcome::no_room;
    return store_state(next) ? Outcome::done : Outcome::failed;
}

SlotLog::Outcome SlotLog::own(Owner const& owner) {
    if (owner == state_.owner) return Outcome::done;
    if (state_.owner.id != 0 && owner.id != state_.owner.id && !empty()) return Outcome::no_room;
    State next = state_;
    next.owner = owner;
    return store_state(next) ? Outcome::done : Outcome::failed;
}

std::optional<adapter::SettingsRegisters> SlotLog::settings() {
    std::optional<adapter::SettingsRegisters> out;
    for (std::uint32_t copy = 0; copy < settings_copies; ++copy) {
        SettingsCell cell;
        if (!storage_.read(cells * cell_bytes + copy * settings_bytes, cell)) continue;
        std::uint32_t const generation = load_u32(cell, 4);
        if (load_u32(cell, 0) != settings_mark || load_u32(cell, settings_sum_at) != crc32(Bytes(cell).first(settings_sum_at))) continue;
        if (out && generation < settings_generation_) continue;
        settings_generation_ = generation;
        out.emplace();
        for (std::size_t i = 0; i < out->size(); ++i) (*out)[i] = load_u16(cell, 8 + 2 * i);
    }
    return out;
}

bool SlotLog::keep(adapter::SettingsRegisters const& settings) {
    SettingsCell cell{};
    std::uint32_t const generation = settings_generation_ + 1;
    store_u32(cell, 0, settings_mark);
    store_u32(cell, 4, generation);
    for (std::size_t i = 0; i < settings.size(); ++i) store_u16(cell, 8 + 2 * i, settings[i]);
    store_u32(cell, settings_sum_at, crc32(Bytes(cell).first(settings_sum_at)));
    if (!storage_.write(cells * cell_bytes + generation % settings_copies * settings_bytes, cell)) return false;
    settings_generation_ = generation;
    return true;
}

// Whatever an earlier owner of this memory left must not be taken for slots. Cells go first: power lost meanwhile makes this begin again.
bool SlotLog::erase() {
    std::fill(slot_.begin(), slot_.end(), std::uint8_t{0});
    for (std::uint32_t at = 0; at < storage_.bytes();) {
        std::uint32_t const bytes = std::min<std::uint32_t>(static_cast<std::uint32_t>(slot_.size()), storage_.bytes() - at);
        if (!storage_.write(at, Bytes(slot_).first(bytes))) return false;
        at += bytes;
    }
    return true;
}

// False: the storage failed. Generation 0: there is no cell.
bool SlotLog::load_state() {
    for (std::uint32_t i = 0; i < cells; ++i) {
        Cell cell;
        if (!storage_.read(i * cell_bytes, cell)) return false;
        if (load_u32(cell, 0) != cell_mark || load_u32(cell, cell_sum_at) != crc32(Bytes(cell).first(cell_sum_at))) continue;
        std::uint32_t const generation = load_u32(cell, 4);
        if (generation < state_.generation) continue;
        state_.generation = generation;
        state_.boots = load_u32(cell, 8);
        state_.freed = load_u64(cell, 12);
        state_.sequence = load_u32(cell, 20);
        state_.offset = load_u64(cell, 24);
        state_.owner.id = load_u64(cell, 32);
        state_.owner.binding = load_u64(cell, 40);
        state_.owner.data_base = load_u64(cell, 48);
        std::copy_n(cell.begin() + 56, state_.owner.name.size(), state_.owner.name.begin());
    }
    return true;
}

bool SlotLog::store_state(State next) {
    next.generation = state_.generation + 1;
    Cell cell{};
    store_u32(cell, 0, cell_mark);
    store_u32(cell, 4, next.generation);
    store_u32(cell, 8, next.boots);
    store_u64(cell, 12, next.freed);
    store_u32(cell, 20, next.sequence);
    store_u64(cell, 24, next.offset);
    store_u64(cell, 32, next.owner.id);
    store_u64(cell, 40, next.owner.binding);
    store_u64(cell, 48, next.owner.data_base);
    std::copy(next.owner.name.begin(), next.owner.name.end(), cell.begin() + 56);
    store_u32(cell, cell_sum_at, crc32(Bytes(cell).first(cell_sum_at)));
    if (!storage_.write(next.generation % cells * cell_bytes, cell)) return false;
    state_ = next;
    return true;
}

bool SlotLog::read_ring(std::uint64_t position, MutableBytes out) {
    auto const at = static_cast<std::uint32_t>(position % ring_bytes_);
    std::size_t const first = std::min<std::size_t>(out.size(), ring_bytes_ - at);
    if (!storage_.read(ring_at + at, out.first(first))) return false;
    return first == out.size() || storage_.read(ring_at, out.subspan(first));
}

bool SlotLog::write_ring(std::uint64_t position, Bytes bytes) {
    auto const at = static_cast<std::uint32_t>(position % ring_bytes_);
    std::size_t const first = std::min<std::size_t>(bytes.size(), ring_bytes_ - at);
    if (!storage_.write(ring_at + at, bytes.first(first))) return false;
    return first == bytes.size() || storage_.write(ring_at, bytes.subspan(first));
}

// The slot that begins where the last known one ends. What stands there may be of an earlier round of the ring, or torn.
std::optional<Slot> SlotLog::next_kept() {
    auto const follows = [&](std::optional<Slot> const& slot, std::uint32_t sequence) {
        return slot && slot->sequence == sequence && written_ - state_.freed + slot_bytes(*slot) <= ring_bytes_;
    };
    auto const slot = slot_at(written_);
    if (follows(slot, next_sequence_)) return slot->offset == next_offset_ ? slot : std::nullopt;
    // One whose memory went bad is not torn: another follows it. The gateway sees that its CRC does not hold, and says so.
    std::array<std::uint8_t, slot_header_bytes> header;
    if (!read_ring(written_, header)) return std::nullopt;
    auto const bad = read_header(header);
    if (!follows(bad, next_sequence_)) return std::nullopt;
    auto const after = slot_at(written_ + slot_bytes(*bad));
    return follows(after, next_sequence_ + 1) ? bad : std::nullopt;
}

std::optional<Slot> SlotLog::slot_at(std::uint64_t position) {
    if (!read_ring(position, MutableBytes(slot_).first(slot_header_bytes))) return std::nullopt;
    auto const slot = read_header(slot_);
    if (!slot || !read_ring(position, MutableBytes(slot_).first(slot_bytes(*slot)))) return std::nullopt;
    std::size_t const sum_at = slot_bytes(*slot) - slot_sum_bytes;
    if (load_u32(slot_, sum_at) != crc32(Bytes(slot_).first(sum_at))) return std::nullopt;
    return slot;
}

}  // namespace marrowlink::firmware
