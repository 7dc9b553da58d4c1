#include "drivers/modbus/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/log.hpp"

namespace marrowlink::modbus {
namespace {
constexpr std::string_view untried = " (this register map has not been tried on a real device yet: compare its values with the display)";
constexpr std::size_t values_in_activity = 3;

bool from_gateway(ModbusAnswer const& answer) { return answer.exception == 10 || answer.exception == 11; }
}  // namespace

ModbusDriver::ModbusDriver(RegisterMap map, Options options, std::shared_ptr<ModbusMaster> bus, std::shared_ptr<Recorded> recorded,
                           Clock& clock)
    : map_(std::move(map)),
      options_(std::move(options)),
      bus_(std::move(bus)),
      recorded_(std::move(recorded)),
      clock_(clock),
      heard_(map_.registers.size()) {
    std::vector<std::size_t> polled, queued;
    for (std::size_t i = 0; i < map_.registers.size(); ++i) {
        if (map_.queue && i == map_.queue->count) continue;
        (map_.registers[i].queued ? queued : polled).push_back(i);
    }
    polled_ = blocks_of(map_, std::move(polled));
    result_ = blocks_of(map_, std::move(queued));
}

ModbusRequest ModbusDriver::request_for(Block const& block) const {
    ModbusRequest request;
    request.unit = options_.unit;
    request.function = block.function;
    request.address = block.address;
    request.count = block.count;
    request.response_timeout = options_.response_timeout;
    return request;
}

Task<Result<ModbusAnswer>> ModbusDriver::ask(ModbusRequest request) {
    auto answer = co_await bus_->ask(std::move(request));
    if (answer && from_gateway(*answer))
        answer =
            fail(Fault::timed_out, fmt::format("Unit {} on {}: {}.", options_.unit, bus_->name(), words_of_exception(answer->exception)));
    if (answer) {
        heard_at_ = clock_.now();
        took_ = answer->took;
        silences_ = 0;
    } else if (answer.error().fault != Fault::unavailable) {
        ++silences_;
    }
    changed();
    co_return answer;
}

bool ModbusDriver::gives_up(Error const& error) const { return error.fault == Fault::unavailable || silences_ >= silent_rounds_max; }

Task<Result<bool>> ModbusDriver::read(Block& block) {
    ModbusRequest request = request_for(block);
    auto const answer = co_await ask(std::move(request));
    if (!answer) {
        none(block, "no answer");
        if (gives_up(answer.error())) co_return fail(answer.error());
        co_return false;
    }
    if (answer->done()) {
        note(block, *answer);
        co_return true;
    }
    if (answer->busy()) {
        block.due = std::min(block.due, clock_.now() + busy_pause);
    } else {
        none(block, words_of_exception(answer->exception));
        block.due = std::max(block.due, clock_.now() + refused_pause);
    }
    co_return false;
}

void ModbusDriver::note(Block const& block, ModbusAnswer const& answer) {
    std::size_t at = 0;
    for (std::size_t const index : block.registers) {
        auto const first = answer.values.begin() + static_cast<std::ptrdiff_t>(at);
        at += map_.registers[index].count;
        heard_[index] = {{first, answer.values.begin() + static_cast<std::ptrdiff_t>(at)}, {}, clock_.now()};
    }
}

void ModbusDriver::none(Block const& block, std::string const& why) {
    for (std::size_t const index : block.registers) heard_[index] = {{}, why, heard_[index].at};
}

Task<Result<std::vector<std::uint16_t>>> ModbusDriver::read_one(std::size_t index) {
    Register const& reg = map_.registers[index];
    Block alone{reg.function, reg.address, reg.count, {index}, reg.poll, {}};
    auto const got = co_await read(alone);
    if (!got) co_return fail(got.error());
    co_return *got ? heard_[index].words : std::vector<std::uint16_t>{};
}

Task<Result<std::string>> ModbusDriver::identify() {
    Block first = polled_.empty() ? Block{} : polled_.front();
    if (map_.queue) {
        Register const& count = map_.registers[map_.queue->count];
        first = {count.function, count.address, count.count, {map_.queue->count}, count.poll, {}};
    }
    ModbusRequest request = request_for(first);
    auto const answer = co_await ask(std::move(request));
    if (!answer) co_return fail(answer.error());
    log::info("modbus.answered", {{"instrument", options_.instrument},
                                  {"map", map_.title},
                                  {"unit", options_.unit},
                                  {"took_ms", took_.count() / 1000},
                                  {"tried_on_hardware", map_.tried_on_hardware ? "yes" : "no"}});
    co_return map_.title + std::string{map_.tried_on_hardware ? "" : untried};
}

Task<Result<void>> ModbusDriver::read_all() {
    std::vector<std::size_t> all(map_.registers.size());
    std::iota(all.begin(), all.end(), 0);
    std::vector<Block> blocks = blocks_of(map_, std::move(all));
    for (Block& block : blocks) {
        auto const got = co_await read(block);
        if (!got) co_return fail(got.error());
    }
    co_return Result<void>{};
}

// Everything that is due, once.
Task<Result<void>> ModbusDriver::round() {
    std::vector<Block*> due;
    for (Block& block : polled_) {
        if (block.due > clock_.now()) continue;
        block.due = clock_.now() + block.poll;
        due.push_back(&block);
    }
    if (due.empty()) co_return Result<void>{};
    for (int attempt = 0; attempt < torn_max; ++attempt) {
        auto const whole = co_await guarded(due);
        if (!whole) co_return fail(whole.error());
        if (*whole) co_return Result<void>{};
    }
    for (Block const* const block : due) none(*block, "its registers changed each time while they were read");
    co_return Result<void>{};
}

// False: the guard says something else after the registers than before.
Task<Result<bool>> ModbusDriver::guarded(std::vector<Block*> const& blocks) {
    std::vector<std::uint16_t> before;
    if (map_.guard) {
        auto const words = co_await read_one(*map_.guard);
        if (!words) co_return fail(words.error());
        before = *words;
    }
    for (Block* const block : blocks) {
        auto const got = co_await read(*block);
        if (!got) co_return fail(got.error());
    }
    if (!map_.guard) co_return true;
    auto const after = co_await read_one(*map_.guard);
    if (!after) co_return fail(after.error());
    co_return *after == before;
}

Task<Result<Batch>> ModbusDriver::next() {
    for (;;) {
        auto const went = co_await round();
        if (!went) co_return fail(went.error());
        if (map_.queue && clock_.now() >= count_due_) {
            auto batch = co_await result();
            if (!batch) co_return fail(batch.error());
            if (*batch) co_return std::move(**batch);
        }
        follow_trouble();
        auto batch = news();
        if (batch) co_return *std::move(batch);
        co_await clock_.sleep_until(next_due());
    }
}

Clock::Instant ModbusDriver::next_due() const {
    Clock::Instant due = map_.queue ? count_due_ : Clock::Instant::max();
    for (Block const& block : polled_) due = std::min(due, block.due);
    return due;
}

// The oldest result that waits in the device, as a batch; nothing when none does.
Task<Result<std::optional<Batch>>> ModbusDriver::result() {
    count_due_ = clock_.now() + map_.registers[map_.queue->count].poll;
    auto const count = co_await read_one(map_.queue->count);
    if (!count) co_return fail(count.error());
    bool const waits = std::any_of(count->begin(), count->end(), [](std::uint16_t word) { return word != 0; });
    if (!waits) co_return std::optional<Batch>{};
    for (int attempt = 0; attempt < torn_max; ++attempt) {
        auto const whole = co_await read_result();
        if (!whole) co_return fail(whole.error());
        if (!*whole) continue;
        auto const& key = heard_[map_.queue->key].words;
        if (key == advanced_ && clock_.now() < advanced_at_ + advance_patience) co_return std::optional<Batch>{};
        Batch batch = numbered(run());
        pending_.key = key;
        co_return std::optional<Batch>{std::move(batch)};
    }
    co_return std::optional<Batch>{};
}

// False: it changed while it was read, or cannot be read now.
Task<Result<bool>> ModbusDriver::read_result() {
    std::size_t const key = map_.queue->key;
    auto const before = co_await read_one(key);
    if (!before) co_return fail(before.error());
    for (Block& block : result_) {
        auto const got = co_await read(block);
        if (!got) co_return fail(got.error());
        if (!*got) co_return false;
    }
    auto const within = heard_[key].words;
    auto const after = co_await read_one(key);
    if (!after) co_return fail(after.error());
    co_return !before->empty() && *before == within && within == *after;
}

Task<Result<void>> ModbusDriver::acknowledge(Receipt receipt) {
    if (receipt.number != pending_.number)
        co_return fail(Fault::broken, fmt::format("Receipt {} was acknowledged, expected {}.", receipt.number, pending_.number));
    Pending const committed = std::exchange(pending_, Pending{});
    if (committed.telemetry) recorded_->telemetry_at = clock_.now();
    if (committed.state) {
        recorded_->state = committed.state;
        recorded_->state_at = clock_.now();
    }
    if (committed.key.empty()) co_return Result<void>{};
    auto key = committed.key;
    co_return co_await advance(std::move(key));
}

// The only place that lets the device forget. A write whose answer was lost may have been carried out, and a second one would pass over a
// result that nobody has read: the device is told only as long as it shows the committed result.
Task<Result<void>> ModbusDriver::advance(std::vector<std::uint16_t> committed) {
    Error last{Fault::timed_out, "The device is busy and does not go on to its next result."};
    for (int attempt = 0; attempt < advance_attempts_max; ++attempt) {
        if (attempt > 0) co_await clock_.sleep_for(busy_pause);
        auto const count = co_await read_one(map_.queue->count);
        if (!count) co_return fail(count.error());
        auto const key = co_await read_one(map_.queue->key);
        if (!key) co_return fail(key.error());
        if (count->empty() || key->empty()) continue;
        bool const none_waits = std::all_of(count->begin(), count->end(), [](std::uint16_t word) { return word == 0; });
        if (none_waits || *key != committed) co_return Result<void>{};
        ModbusRequest request;
        request.unit = options_.unit;
        request.function = map_.queue->next;
        request.address = map_.queue->next_address;
        request.values = {map_.queue->next_value};
        request.response_timeout = options_.response_timeout;
        auto const answer = co_await ask(std::move(request));
        if (answer && answer->done()) {
            advanced_ = std::move(committed);
            advanced_at_ = clock_.now();
            count_due_ = advanced_at_;
            co_return Result<void>{};
        }
        if (answer && !answer->busy())
            co_return fail(Fault::refused, fmt::format("The device does not go on to its next result: {}. The result is kept here, and on "
                                                       "the device; compare [queue] of the register map with its manual.",
                                                       words_of_exception(answer->exception)));
        if (!answer) last = answer.error();
        if (!answer && gives_up(last)) co_return fail(last);
    }
    co_return fail(last);
}

void ModbusDriver::follow_trouble() {
    std::optional<Error> now;
    for (std::size_t i = 0; i < heard_.size() && !now; ++i)
        if (!heard_[i].why.empty())
            now = Error{Fault::refused,
                        fmt::format("\"{}\" ({}) has no value: {}.", map_.registers[i].name, map_.registers[i].written, heard_[i].why)};
    trouble_ = std::move(now);
    changed();
}

std::string ModbusDriver::activity() const {
    if (!heard_at_) return {};
    std::string out;
    std::size_t shown = 0;
    for (std::size_t i = 0; i < heard_.size() && shown < values_in_activity; ++i) {
        Register const& reg = map_.registers[i];
        Value const value = heard_[i].value(reg);
        if (value.text.empty()) continue;
        out += fmt::format("{} {}{}{}, ", reg.name, value.text, reg.unit.empty() ? "" : " ", reg.unit);
        ++shown;
    }
    return fmt::format("{}answers in {} of {} ms", out, std::chrono::ceil<std::chrono::milliseconds>(took_).count(),
                       options_.response_timeout.count());
}

std::vector<RegisterView> ModbusDriver::registers() const {
    std::vector<RegisterView> out;
    for (std::size_t i = 0; i < heard_.size(); ++i) {
        Register const& reg = map_.registers[i];
        Value value = heard_[i].value(reg);
        RegisterView& view = out.emplace_back();
        view.name = reg.name;
        view.place = reg.written;
        view.type = fmt::format("{} {}", text_of(reg.type), text_of(reg.order));
        view.words = heard_[i].words;
        view.value = std::move(value.text);
        view.unit = reg.unit;
        view.flag = std::move(value.flag);
        view.heard = heard_[i].at;
        if (!view.words.empty()) view.interpretations = interpretations_of(reg, view.words);
    }
    return out;
}

}  // namespace marrowlink::modbus
