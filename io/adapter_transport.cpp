#include "io/adapter_transport.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/log.hpp"

namespace marrowlink {
namespace {
namespace map = wire::adapter;
}

AdapterTransport::AdapterTransport(std::shared_ptr<ModbusMaster> bus, AdapterPlace place, Clock& clock, AdapterState state,
                                   std::uint64_t fresh_binding)
    : bus_(std::move(bus)),
      place_(std::move(place)),
      clock_(clock),
      state_(std::move(state)),
      fresh_binding_(fresh_binding),
      cursor_(state_.written),
      skip_to_(0),
      freed_(state_.freed),
      to_free_(state_.written),
      token_(state_.command_token) {}

Task<Result<LinePlace>> AdapterTransport::resume(LinePlace from) {
    resumed_ = true;
    if (state_.owner_id == 0 || from.count != count()) {
        // Another adapter than last time, or another outbox: what it keeps comes behind everything that either has counted.
        std::uint64_t const had = state_.owner_id == 0 ? 0 : state_.data_base + state_.freed_data;
        log::warn("adapter.counted_anew", {{"instrument", place_.instrument}, {"adapter_bytes", had}, {"gateway_bytes", from.position}});
        auto const owned = co_await own(std::max(had, from.position) - state_.freed_data);
        if (!owned) co_return fail(owned.error());
    }
    auto const looked = co_await look_for(from.position);
    if (!looked) co_return fail(looked.error());
    if (data_end_ < from.position)
        co_return fail(
            Fault::broken,
            fmt::format("The adapter, {}, has counted {} bytes of this line, this gateway {}: one of them was restored from a copy. "
                        "To go on, write its block \"owner\" with another binding: docs/adapter-registers.md",
                        describe(*bus_, place_), data_end_, from.position));
    release(0);
    LinePlace out;
    out.position = skip_to_;
    out.count = count();
    co_return out;
}

std::string AdapterTransport::count() const { return fmt::format("{:016x}", state_.binding); }

Task<Result<void>> AdapterTransport::own(std::uint64_t data_base) {
    auto owned = co_await own_adapter(*bus_, place_, fresh_binding_, data_base);
    if (!owned) co_return fail(owned.error());
    state_.owner_id = adapter_owner_id(place_.owner);
    state_.binding = fresh_binding_;
    state_.data_base = data_base;
    co_return Result<void>{};
}

// Up to the first slot with something behind `position`, so that what is lost before it is known now and not in the middle of a message.
Task<Result<void>> AdapterTransport::look_for(std::uint64_t position) {
    std::uint64_t const first = state_.data_base + state_.freed_data;
    if (first > position)
        log::warn("adapter.ahead",
                  {{"instrument", place_.instrument},
                   {"bytes", first - position},
                   {"reason", "the adapter was told that they are safe, and they are not in this outbox; was it restored?"}});
    cursor_ = to_free_ = freed_;
    bytes_.clear();
    payload_.clear();
    used_ = 0;
    slot_end_.reset();
    taken_.clear();
    data_end_ = first;
    skip_to_ = std::max(first, position);
    for (;;) {
        auto const met = step();
        if (!met) co_return fail(met.error());
        if (*met == Step::bytes) co_return Result<void>{};
        if (*met == Step::gap) {
            pass_gap();
            continue;
        }
        std::uint64_t const before = cursor_;
        auto const fetched = co_await fetch();
        if (!fetched) co_return fail(fetched.error());
        if (cursor_ == before) co_return Result<void>{};
    }
}

Task<Result<std::size_t>> AdapterTransport::read_some(std::span<std::byte> into, Clock::Instant deadline) {
    for (;;) {
        auto const step_made = step();
        if (!step_made) co_return fail(step_made.error());
        if (*step_made == Step::bytes) {
            std::size_t const count = std::min(into.size(), payload_.size() - used_);
            std::copy_n(reinterpret_cast<std::byte const*>(payload_.data()) + used_, count, into.begin());
            used_ += count;
            returned_ += count;
            if (used_ == payload_.size()) finish_slot();
            co_return count;
        }
        if (*step_made == Step::gap) {
            // Behind a gap another connection goes on, unless nothing was said on this one yet.
            if (returned_ > 0) co_return fail(Fault::closed, *gap_);
            pass_gap();
            continue;
        }
        if (!more_) {
            if (clock_.now() >= deadline) co_return fail(Fault::timed_out, "Nothing came before the deadline.");
            // What was freed meanwhile is told with the next look, which is soon.
            auto const next = std::min(deadline, clock_.now() + place_.poll);
            if (polled_) co_await clock_.sleep_until(next);
        }
        if (!resumed_) {
            if (state_.owner_id == 0) {
                auto const owned = co_await own(0);
                if (!owned) co_return fail(owned.error());
            }
            release(returned_);
        }
        auto const fetched = co_await fetch();
        polled_ = true;
        if (!fetched) co_return fail(fetched.error());
    }
}

Task<Result<void>> AdapterTransport::write(std::span<std::byte const> bytes) {
    while (!bytes.empty()) {
        auto request = adapter_request(place_, ModbusFunction::write_multiple_registers, map::command::base, 0);
        auto const part = bytes.first(std::min(bytes.size(), map::command::data_bytes_max));
        token_ = token_ == 0xFFFF ? 1 : static_cast<std::uint16_t>(token_ + 1);
        request.values = {token_, static_cast<std::uint16_t>(part.size())};
        for (std::size_t i = 0; i < part.size(); i += 2) {
            auto const byte = [&](std::size_t at) { return at < part.size() ? std::to_integer<unsigned>(part[at]) : 0u; };
            request.values.push_back(static_cast<std::uint16_t>(byte(i) << 8 | byte(i + 1)));
        }
        // A long command leaves the adapter at the instrument's speed.
        auto const limit = clock_.now() + command_patience;
        for (;;) {
            auto const answer = co_await ask(request);
            if (!answer) co_return fail(answer.error());
            if (answer->done()) break;
            if (!answer->busy() || clock_.now() >= limit) co_return adapter_done(*bus_, place_, answer, "pass a command to the instrument");
            co_await clock_.sleep_for(busy_pause);
        }
        bytes = bytes.subspan(part.size());
    }
    co_return Result<void>{};
}

void AdapterTransport::release(std::uint64_t offset) {
    while (!taken_.empty() && taken_.front().returned <= offset) {
        to_free_ = std::max(to_free_, taken_.front().end);
        taken_.pop_front();
    }
}

// A question whose answer is lost may be asked again: none of them does more when it comes twice.
Task<Result<ModbusAnswer>> AdapterTransport::ask(ModbusRequest request) {
    for (int attempt = 1;; ++attempt) {
        auto answer = co_await bus_->ask(request);
        if (answer) co_return answer;
        bool const worth = answer.error().fault == Fault::timed_out || answer.error().fault == Fault::refused;
        if (!worth || attempt == attempts_max) co_return fail(Fault::closed, answer.error().message);
    }
}

Task<Result<void>> AdapterTransport::fetch() {
    namespace at = map::window;
    auto request = adapter_request(place_, ModbusFunction::read_write_multiple_registers, at::base, at::count);
    std::uint64_t const freeing = to_free_;
    bool const frees = freeing > freed_ && state_.owner_id != 0;
    request.write_address = map::control::base + (frees ? 0 : map::control::cursor);
    if (frees) {
        put_u64(request.values, state_.binding);
        put_u64(request.values, freeing);
    }
    put_u64(request.values, cursor_);
    auto const answer = co_await ask(std::move(request));
    auto const good = adapter_done(*bus_, place_, answer, "give what it keeps");
    if (!good) co_return fail(Fault::closed, good.error().message);
    auto const& window = answer->values;
    std::size_t const shown = window[at::bytes];
    if (window[at::guard_first] != window[at::guard_last] || shown > at::data_bytes_max ||
        number_at(window, at::position, 2) != (cursor_ & 0xFFFF'FFFF))
        co_return fail(Fault::closed,
                       fmt::format("The adapter, {}, showed another place of its log than was asked for.", describe(*bus_, place_)));
    if (frees) freed_ = freeing;
    for (std::size_t i = 0; i < shown; ++i)
        bytes_.push_back(static_cast<std::uint8_t>(i % 2 == 0 ? window[at::data + i / 2] >> 8 : window[at::data + i / 2]));
    cursor_ += shown;
    more_ = shown == at::data_bytes_max;
    co_return Result<void>{};
}

void AdapterTransport::pass_gap() {
    log::warn("adapter.gap", {{"instrument", place_.instrument}, {"reason", *gap_}});
    gap_.reset();
}

void AdapterTransport::finish_slot() {
    if (slot_end_) taken_.push_back({*slot_end_, returned_});
    slot_end_.reset();
    payload_.clear();
    used_ = 0;
}

// To the next bytes or gap among what was fetched.
Result<AdapterTransport::Step> AdapterTransport::step() {
    if (gap_) return Step::gap;
    if (used_ < payload_.size()) return Step::bytes;
    finish_slot();
    if (bytes_.size() < wire::slot_header_bytes) return Step::nothing;
    auto const slot = wire::read_header(bytes_);
    if (!slot) return fail(Fault::closed, fmt::format("The adapter, {}, shows bytes that are no slot.", describe(*bus_, place_)));
    std::size_t const size = wire::slot_bytes(*slot);
    if (bytes_.size() < size) return Step::nothing;
    auto const whole = wire::Bytes(bytes_).first(size);
    bool const holds = wire::load_u32(whole, size - wire::slot_sum_bytes) == wire::crc32(whole.first(size - wire::slot_sum_bytes));
    std::string payload(reinterpret_cast<char const*>(bytes_.data()) + wire::slot_header_bytes, slot->payload_bytes);
    std::uint64_t const end = cursor_ - bytes_.size() + size;
    std::uint64_t const place = state_.data_base + slot->offset;
    if (slot->kind == wire::SlotKind::data) data_end_ = place + slot->payload_bytes;
    bool const is_gap = !holds || slot->kind != wire::SlotKind::data;
    if (is_gap) gap_ = words_of(*slot, payload, holds);
    if (is_gap && returned_ > 0 && resumed_) return Step::gap;  // it ends this connection, and is met again by the next one
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
    slot_end_ = end;
    if (is_gap) {
        if (slot->kind == wire::SlotKind::data) skip_to_ = std::max(skip_to_, place + slot->payload_bytes);
        return Step::gap;
    }
    payload_ = std::move(payload);
    if (resumed_ && place < skip_to_) used_ = static_cast<std::size_t>(std::min<std::uint64_t>(skip_to_ - place, payload_.size()));
    if (resumed_) skip_to_ = std::max(skip_to_, place + used_);
    return step();
}

std::string AdapterTransport::words_of(wire::Slot const& slot, std::string const& payload, bool holds) {
    if (!holds) return fmt::format("The adapter's memory of {} bytes went bad; they are lost.", slot.payload_bytes);
    wire::Bytes const bytes(reinterpret_cast<std::uint8_t const*>(payload.data()), payload.size());
    if (slot.kind == wire::SlotKind::restart && bytes.size() >= 2)
        return fmt::format("The adapter began anew here ({}): what the instrument said while it was off was not heard.",
                           marrowlink::words_of(static_cast<map::ResetCause>(wire::load_u16(bytes, 0))));
    if (slot.kind == wire::SlotKind::loss && bytes.size() >= 12)
        return fmt::format("The adapter lost bytes here: {} for want of room, {} damaged on the line, {} that came too fast.",
                           wire::load_u32(bytes, 0), wire::load_u32(bytes, 4), wire::load_u32(bytes, 8));
    return "The adapter tells of a loss in words that this gateway does not know.";
}

AdapterLine::AdapterLine(std::shared_ptr<ModbusMaster> bus, AdapterPlace place, Clock& clock, Entropy& entropy)
    : bus_(std::move(bus)), place_(std::move(place)), clock_(clock), entropy_(entropy) {}

std::string AdapterLine::name() const { return fmt::format("adapter, {}", describe(*bus_, place_)); }

Task<Result<std::unique_ptr<Transport>>> AdapterLine::open() {
    auto state = co_await read_adapter(*bus_, place_);
    if (!state) co_return fail(state.error());
    if (state->owner_id != 0 && state->owner_id != adapter_owner_id(place_.owner))
        co_return fail(
            Fault::refused,
            fmt::format("The adapter, {}, keeps the line of \"{}\", not of \"{}\": are cables swapped? If it was moved on purpose, "
                        "let it be emptied where it was and then write zeros into its block \"owner\": docs/adapter-registers.md",
                        describe(*bus_, place_), state->owner_name, place_.owner));
    auto const in_force = co_await read_adapter_settings(*bus_, place_);
    if (!in_force) co_return fail(in_force.error());
    map::Settings wanted = place_.settings;
    wanted.unit = in_force->unit;
    wanted.bus_baud = in_force->bus_baud;
    wanted.bus_parity = in_force->bus_parity;
    if (wanted != *in_force || state->has(map::Flag::settings_default)) {
        auto const written = co_await write_adapter_settings(*bus_, place_, wanted);
        if (!written) co_return fail(written.error());
        log::info("adapter.set", {{"instrument", place_.instrument}, {"baud", wanted.baud}});
    }
    if (state->storage == map::Storage::ram)
        log::warn("adapter.forgetful",
                  {{"instrument", place_.instrument}, {"reason", "its memory chip does not answer: it keeps nothing when its power goes"}});
    if (state->has(map::Flag::wrong_line))
        log::warn("adapter.wrong_line",
                  {{"instrument", place_.instrument},
                   {"damaged", state->damaged},
                   {"reason", "more than a quarter of the last characters were damaged: is the baud rate or parity wrong?"}});
    std::uint64_t fresh_binding = 0;
    entropy_.fill(std::as_writable_bytes(std::span(&fresh_binding, 1)));
    co_return std::make_unique<AdapterTransport>(bus_, place_, clock_, std::move(*state), fresh_binding);
}

}  // namespace marrowlink
