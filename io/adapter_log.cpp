#include "io/adapter_log.hpp"

#include <fmt/format.h>

namespace marrowlink {
namespace {
namespace map = wire::adapter;
}

Result<std::vector<std::uint8_t>> window_bytes(ModbusMaster const& bus, AdapterPlace const& place, Result<ModbusAnswer> const& answer,
                                               std::uint64_t cursor) {
    namespace at = map::window;
    auto const good = adapter_done(bus, place, answer, "give what it keeps");
    if (!good) return fail(good.error());
    auto const& window = answer->values;
    std::size_t const shown = window[at::bytes];
    if (window[at::guard_first] != window[at::guard_last] || shown > at::data_bytes_max ||
        number_at(window, at::position, 2) != (cursor & 0xFFFF'FFFF))
        return fail(Fault::closed,
                    fmt::format("The adapter, {}, showed another place of its log than was asked for.", describe(bus, place)));
    std::vector<std::uint8_t> out;
    for (std::size_t i = 0; i < shown; ++i)
        out.push_back(static_cast<std::uint8_t>(i % 2 == 0 ? window[at::data + i / 2] >> 8 : window[at::data + i / 2]));
    return out;
}

Result<std::optional<AdapterSlot>> first_slot(ModbusMaster const& bus, AdapterPlace const& place, std::vector<std::uint8_t> const& bytes,
                                              std::uint64_t position) {
    if (bytes.size() < wire::slot_header_bytes) return std::nullopt;
    auto const slot = wire::read_header(bytes);
    if (!slot) return fail(Fault::closed, fmt::format("The adapter, {}, shows bytes that are no slot.", describe(bus, place)));
    std::size_t const size = wire::slot_bytes(*slot);
    if (bytes.size() < size) return std::nullopt;
    auto const whole = wire::Bytes(bytes).first(size);
    AdapterSlot out;
    out.position = position;
    out.slot = *slot;
    out.holds = wire::load_u32(whole, size - wire::slot_sum_bytes) == wire::crc32(whole.first(size - wire::slot_sum_bytes));
    out.payload.assign(reinterpret_cast<char const*>(bytes.data()) + wire::slot_header_bytes, slot->payload_bytes);
    return out;
}

std::string words_of_gap(AdapterSlot const& kept) {
    if (!kept.holds) return fmt::format("The adapter's memory of {} bytes went bad; they are lost.", kept.slot.payload_bytes);
    wire::Bytes const bytes(reinterpret_cast<std::uint8_t const*>(kept.payload.data()), kept.payload.size());
    if (kept.slot.kind == wire::SlotKind::restart && bytes.size() >= 2)
        return fmt::format("The adapter began anew here ({}): what the instrument said while it was off was not heard.",
                           words_of(static_cast<map::ResetCause>(wire::load_u16(bytes, 0))));
    if (kept.slot.kind == wire::SlotKind::loss && bytes.size() >= 12)
        return fmt::format("The adapter lost bytes here: {} for want of room, {} damaged on the line, {} that came too fast.",
                           wire::load_u32(bytes, 0), wire::load_u32(bytes, 4), wire::load_u32(bytes, 8));
    return "The adapter tells of a loss in words that this gateway does not know.";
}

Task<Result<std::vector<AdapterSlot>>> read_adapter_log(ModbusMaster& bus, AdapterPlace const& place, AdapterState const& state) {
    std::vector<AdapterSlot> out;
    std::vector<std::uint8_t> bytes;
    std::uint64_t cursor = state.freed;
    while (cursor < state.written) {
        auto request = adapter_request(place, ModbusFunction::read_write_multiple_registers, map::window::base, map::window::count);
        request.write_address = map::control::base + map::control::cursor;
        put_u64(request.values, cursor);
        auto const answer = co_await ask_adapter(bus, std::move(request));
        auto const shown = window_bytes(bus, place, answer, cursor);
        if (!shown) co_return fail(shown.error());
        if (shown->empty())
            co_return fail(Fault::closed, fmt::format("The adapter, {}, shows its log up to position {}; it said that it ends at {}.",
                                                      describe(bus, place), cursor, state.written));
        bytes.insert(bytes.end(), shown->begin(), shown->end());
        cursor += shown->size();
        for (;;) {
            std::uint64_t const position = cursor - bytes.size();
            if (position >= state.written) co_return out;
            auto slot = first_slot(bus, place, bytes, position);
            if (!slot) co_return fail(slot.error());
            if (!*slot) break;
            bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(wire::slot_bytes((*slot)->slot)));
            out.push_back(**std::move(slot));
        }
    }
    co_return out;
}

Task<Result<void>> free_adapter_log(ModbusMaster& bus, AdapterPlace const& place, AdapterState const& state) {
    auto request = adapter_request(place, ModbusFunction::write_multiple_registers, map::control::base, 0);
    put_u64(request.values, state.binding);
    put_u64(request.values, state.written);
    auto const answer = co_await ask_adapter(bus, std::move(request));
    co_return adapter_done(bus, place, answer, "forget what it keeps");
}

}  // namespace marrowlink
