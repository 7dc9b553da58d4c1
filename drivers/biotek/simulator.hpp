// An Agilent BioTek reader that is not there: it answers single letters and, when somebody has it measure, sends a plate once. Written from
// the facts in notes.md and the recorded replies; shares no code with the driver.
#pragma once

#include <string>

#include "drivers/simulated_line.hpp"

namespace marrowlink::biotek {

class BiotekSimulator final : public SimulatedInstrument {
 public:
    BiotekSimulator(SimulatorOptions options, Instant now);

    void receive(std::string_view bytes, Instant now) override;
    std::string send(Instant now) override;
    std::optional<Instant> next_event(Instant now) const override;
    void unplugged() override { line_.unplugged(); }
    void measure(Instant now) override;

 private:
    SimulatorOptions options_;
    SimulatedLine line_;
    Instant measured_at_;
    std::uint64_t plates_ = 0;
};

}  // namespace marrowlink::biotek
