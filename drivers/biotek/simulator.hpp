// An Agilent BioTek reader that is not there: it answers single letters and, when somebody has it measure, sends a plate once. Written from
// the facts in notes.md and the recorded replies; shares no code with the driver.
#pragma once

#include <string>

#include "drivers/simulated_line.hpp"

namespace marrowlink::biotek {

class BiotekSimulator final : public SimulatedInstrument {
 public:
    using SimulatedInstrument::SimulatedInstrument;

    void receive(std::string_view bytes, Instant now) override;
    void measure(Instant now) override;

 private:
    std::uint64_t plates_ = 0;
};

}  // namespace marrowlink::biotek
