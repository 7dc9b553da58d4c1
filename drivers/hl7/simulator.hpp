// A sender of HL7 results that is not there: results of one viability assay, each sent until it is acknowledged by its control id. Written
// from the facts in notes.md; shares no code with the driver.
#pragma once

#include <deque>
#include <string>

#include "drivers/simulated_line.hpp"

namespace marrowlink::hl7 {

class Hl7Simulator final : public SimulatedInstrument {
 public:
    using SimulatedInstrument::SimulatedInstrument;

    void receive(std::string_view bytes, Instant now) override;
    void unplugged() override;
    void measure(Instant now) override;

 private:
    void proceed(Instant now) override;
    std::optional<Instant> proceeds(Instant now) const override;
    struct Result {
        std::string id, message;
    };
    void transmit(Instant now);
    void hear(std::string_view answer);
    bool mute() const { return options_.faults.silent_after != 0 && delivered_ >= options_.faults.silent_after; }

    std::deque<Result> waiting_;
    std::string heard_;
    std::optional<Instant> sent_at_;  // of the first that waits
    std::uint64_t results_ = 0, delivered_ = 0;
};

}  // namespace marrowlink::hl7
