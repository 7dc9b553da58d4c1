#include "drivers/simulated_line.hpp"

#include <algorithm>
#include <array>

namespace marrowlink {

namespace {
constexpr std::uint64_t burst_bytes = 32;  // how finely a slow line is played
}  // namespace

LineFaults faults_of(SimulatedVariant variant) {
    LineFaults faults;
    switch (variant) {
        case SimulatedVariant::normal: break;
        case SimulatedVariant::slow: faults.bytes_per_second = 120; break;
        case SimulatedVariant::damaged: faults.damage_every = 2'000; break;
        case SimulatedVariant::silent: faults.silent_after = 3; break;
        case SimulatedVariant::repeating: faults.repeat_every = 2; break;
    }
    return faults;
}

// SplitMix64.
std::uint64_t SimulatedLine::random() {
    std::uint64_t z = (random_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

void SimulatedLine::say(std::string_view text, Clock::Instant now) {
    if (out_.empty()) {
        since_ = now;
        sent_ = 0;
    }
    for (char const c : text) {
        if (!one_in(faults_.damage_every))
            out_ += c;
        else if (random() % 4 != 0)
            out_ += static_cast<char>(c ^ (1 << random() % 8));
    }
}

std::string SimulatedLine::send(Clock::Instant now) {
    std::uint64_t due = out_.size();
    if (faults_.bytes_per_second != 0) {
        double const carried = std::chrono::duration<double>(now - since_).count() * faults_.bytes_per_second;
        due = std::min(due, static_cast<std::uint64_t>(carried) - std::min(sent_, static_cast<std::uint64_t>(carried)));
    }
    std::string bytes = out_.substr(0, due);
    out_.erase(0, due);
    sent_ += due;
    return bytes;
}

std::optional<Clock::Instant> SimulatedLine::next(Clock::Instant now) const {
    if (out_.empty()) return {};
    if (faults_.bytes_per_second == 0) return now;
    double const bytes = static_cast<double>(sent_ + std::min<std::uint64_t>(out_.size(), burst_bytes));
    // One microsecond late rather than early: a byte that is not due yet would be asked for again at once, for ever.
    return since_ + std::chrono::microseconds{static_cast<std::int64_t>(bytes * 1e6 / faults_.bytes_per_second) + 1};
}

std::string SimulatedInstrument::send(Instant now) {
    if (options_.period.count() > 0 && now - measured_at_ >= options_.period) {
        measured_at_ = now;
        measure(now);
    }
    proceed(now);
    return line_.send(now);
}

std::optional<Clock::Instant> SimulatedInstrument::next_event(Instant now) const {
    auto next = line_.next(now);
    auto const no_later = [&](Instant when) { next = next ? std::min(*next, when) : when; };
    if (options_.period.count() > 0) no_later(measured_at_ + options_.period);
    if (auto const when = proceeds(now)) no_later(*when);
    return next;
}

Task<void> play(SimulatedInstrument& instrument, Transport& line, Clock& clock, std::function<void(SimulatedEvent const&)> log) {
    std::array<std::byte, 256> buffer;
    for (;;) {
        std::string const bytes = instrument.send(clock.now());
        for (SimulatedEvent const& event : instrument.take_events())
            if (log) log(event);
        if (!bytes.empty()) {
            std::span<std::byte const> const view = std::as_bytes(std::span{bytes.data(), bytes.size()});
            auto const sent = co_await line.write(view);
            if (!sent) break;
        }
        auto const next = instrument.next_event(clock.now());
        auto const got = co_await line.read_some(buffer, next.value_or(Clock::Instant::max()));
        if (got)
            instrument.receive({reinterpret_cast<char const*>(buffer.data()), *got}, clock.now());
        else if (got.error().fault != Fault::timed_out)
            break;
    }
    instrument.unplugged();
}

}  // namespace marrowlink
