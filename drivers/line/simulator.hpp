// An instrument that speaks in lines and is not there: it says each result once, as "R 000001 0.1234 OD" and a line feed, and hears
// nothing. Shares no code with the driver.
#pragma once

#include <string>

#include "drivers/simulated_line.hpp"

namespace marrowlink {

class LineSimulator final : public SimulatedInstrument {
 public:
    using SimulatedInstrument::SimulatedInstrument;

    void receive(std::string_view, Instant) override {}
    void measure(Instant now) override;

 private:
    std::uint64_t results_ = 0;
};

}  // namespace marrowlink
