#include "io/adapter_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "core/log.hpp"
#include "io/adapter_log.hpp"

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
                        "To go on, stop this gateway, say: marrowlink-gateway adapter set {} --count-anew, and start it again.",
                        describe(*bus_, place_), data_end_, from.position, place_.instrument));
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
    expecting_ = true;
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
    using namespace boost::asio::experimental::awaitable_operators;
    auto const seen = interrupted_.count();  // also of an interrupt that comes while the bus is asked
    for (;;) {
        auto const step_made = step();
        if (!step_made) co_return fail(step_made.error());
        if (*step_made == Step::bytes) co_return take(into);
        if (*step_made == Step::gap) {
            // Behind a gap another connection goes on, unless nothing was said on this one yet.
            if (returned_ > 0) co_return fail(Fault::closed, *gap_);
            pass_gap();
            continue;
        }
        if (!more_) {
            if (clock_.now() >= deadline) co_return fail(Fault::timed_out, "Nothing came before the deadline.");
            // What was freed meanwhile is told with the next look, which is soon.
            if (polled_) {
                auto sleep = clock_.sleep_until(std::min(deadline, clock_.now() + place_.poll));
                auto interrupted = interrupted_.beyond(seen);
                co_await (std::move(sleep) || std::move(interrupted));
                if (interrupted_.count() != seen) co_return fail(Fault::timed_out, "Nothing came before the read was interrupted.");
            }
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

// Of all slots that are here, up to a gap: whoever reads makes what it got durable before it reads on, and one commit serves them all.
std::size_t AdapterTransport::take(std::span<std::byte> into) {
    std::size_t taken = 0;
    do {
        std::size_t const count = std::min(into.size() - taken, payload_.size() - used_);
        std::copy_n(reinterpret_cast<std::byte const*>(payload_.data()) + used_, count, into.begin() + static_cast<std::ptrdiff_t>(taken));
        used_ += count;
        returned_ += count;
        taken += count;
        if (used_ == payload_.size()) finish_slot();
    } while (taken < into.size() && step() == Step::bytes);  // a gap or an error comes again with the next read
    return taken;
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

Task<Result<ModbusAnswer>> AdapterTransport::ask(ModbusRequest request) {
    auto answer = co_await ask_adapter(*bus_, std::move(request));
    if (!answer) co_return fail(Fault::closed, answer.error().message);
    co_return answer;
}

// While nothing waits only the head of the window is looked at: a bus carries four such looks in the time of a whole window.
Task<Result<void>> AdapterTransport::fetch() {
    namespace at = map::window;
    bool const whole = std::exchange(expecting_, false);
    auto request = adapter_request(place_, ModbusFunction::read_write_multiple_registers, at::base, whole ? at::count : at::data);
    std::uint64_t const freeing = to_free_;
    bool const frees = freeing > freed_ && state_.owner_id != 0;
    request.write_address = map::control::base + (frees ? 0 : map::control::cursor);
    if (frees) {
        put_u64(request.values, state_.binding);
        put_u64(request.values, freeing);
    }
    put_u64(request.values, cursor_);
    auto const answer = co_await ask(std::move(request));
    if (!whole && answer && answer->done()) {
        if (frees) freed_ = freeing;
        expecting_ = more_ = answer->values[at::bytes] > 0;
        co_return Result<void>{};
    }
    auto const shown = window_bytes(*bus_, place_, answer, cursor_);
    if (!shown) co_return fail(Fault::closed, shown.error().message);
    if (frees) freed_ = freeing;
    bytes_.insert(bytes_.end(), shown->begin(), shown->end());
    cursor_ += shown->size();
    expecting_ = more_ = shown->size() == at::data_bytes_max;
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
    auto first = first_slot(*bus_, place_, bytes_, cursor_ - bytes_.size());
    if (!first) return fail(first.error());
    if (!*first) return Step::nothing;
    AdapterSlot& kept = **first;
    bool const is_data = kept.slot.kind == wire::SlotKind::data;
    std::uint64_t const place = state_.data_base + kept.slot.offset;
    if (is_data) data_end_ = place + kept.slot.payload_bytes;
    bool const is_gap = !kept.holds || !is_data;
    if (is_gap) gap_ = words_of_gap(kept);
    if (is_gap && returned_ > 0 && resumed_) return Step::gap;  // it ends this connection, and is met again by the next one
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(wire::slot_bytes(kept.slot)));
    slot_end_ = kept.end();
    if (is_gap) {
        if (is_data) skip_to_ = std::max(skip_to_, place + kept.slot.payload_bytes);
        return Step::gap;
    }
    payload_ = std::move(kept.payload);
    if (resumed_ && place < skip_to_) used_ = static_cast<std::size_t>(std::min<std::uint64_t>(skip_to_ - place, payload_.size()));
    if (resumed_) skip_to_ = std::max(skip_to_, place + used_);
    return step();
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
            fmt::format(
                "The adapter, {}, keeps the line of \"{}\", not of \"{}\": are cables swapped? If it was moved on purpose, "
                "let it be emptied where it was; then stop this gateway, say: marrowlink-gateway adapter set {}, and start it again.",
                describe(*bus_, place_), state->owner_name, place_.owner, place_.instrument));
    auto const before = co_await settle_adapter(*bus_, place_, *state);
    if (!before) co_return fail(before.error());
    if (*before) log::info("adapter.set", {{"instrument", place_.instrument}, {"baud", place_.settings.baud}});
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
