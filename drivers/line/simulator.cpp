#include "drivers/line/simulator.hpp"

#include <fmt/format.h>

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

}  // namespace marrowlink
