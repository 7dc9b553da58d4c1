#include "drivers/line/simulator.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink {

void LineSimulator::measure(Instant now) {
    std::string const key = fmt::format("{:06}", ++results_);
    std::string const line = fmt::format("R {} {}.{:04} OD\n", key, line_.random() % 3, line_.random() % 10'000);
    note(SimulatedEvent::Kind::measured, key, line);
    if (options_.faults.silent_after != 0 && results_ > options_.faults.silent_after) return;
    if (line_.one_in(options_.faults.break_off_every)) line_.say(line.substr(0, line.size() / 2) + '\n', now);
    line_.say(line, now);
    if (line_.one_in(options_.faults.repeat_every)) line_.say(line, now);
    note(SimulatedEvent::Kind::delivered, key, line);
}

std::string LineSimulator::send(Instant now) {
    if (options_.period.count() > 0 && now - measured_at_ >= options_.period) {
        measured_at_ = now;
        measure(now);
    }
    return line_.send(now);
}

std::optional<Clock::Instant> LineSimulator::next_event(Instant now) const {
    auto const next = line_.next(now);
    if (options_.period.count() == 0) return next;
    Instant const measures = measured_at_ + options_.period;
    return next ? std::min(*next, measures) : measures;
}

}  // namespace marrowlink
