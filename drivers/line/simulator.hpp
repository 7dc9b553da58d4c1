// An instrument that speaks in lines and is not there: it says each result once, as "R 000001 0.1234 OD" and a line feed, and hears
// nothing. Shares no code with the driver.
#pragma once

#include <string>

#include "drivers/simulated_line.hpp"

namespace marrowlink {

class LineSimulator final : public SimulatedInstrument {
 public:
    LineSimulator(SimulatorOptions options, Instant now) : options_(options), line_(options.faults, options.seed), measured_at_(now) {}

    void receive(std::string_view, Instant) override {}
    std::string send(Instant now) override;
    std::optional<Instant> next_event(Instant now) const override;
    void unplugged() override { line_.unplugged(); }
    void measure(Instant now) override;

 private:
    SimulatorOptions options_;
    SimulatedLine line_;
    Instant measured_at_;
    std::uint64_t results_ = 0;
};

}  // namespace marrowlink
