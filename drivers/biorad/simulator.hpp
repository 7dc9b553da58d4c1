// A Bio-Rad Model 550 or 680 reader that is not there: under remote control it reads, and sends its last plate again. `measure` is a read
// that somebody else on the line commanded. Written from the facts in notes.md; shares no code with the driver.
#pragma once

#include <string>

#include "drivers/simulated_line.hpp"

namespace marrowlink::biorad {

class BioradSimulator final : public SimulatedInstrument {
 public:
    using SimulatedInstrument::SimulatedInstrument;

    void receive(std::string_view bytes, Instant now) override;
    void unplugged() override;
    void measure(Instant now) override;

    void set_model_680(bool yes) { is_680_ = yes; }
    void set_silent(bool yes) { silent_ = yes; }
    void set_damage_every(std::uint64_t n) { line_.set_damage_every(n); }

 private:
    void proceed(Instant now) override;
    std::optional<Instant> proceeds(Instant now) const override;
    void answer(std::string const& command, Instant now);
    void finish(Instant now);
    std::string block();

    std::string command_, last_;  // the plate read last
    bool remote_ = false, dual_ = false, is_680_ = false, silent_ = false;
    std::optional<Instant> done_at_;
    std::uint64_t plates_ = 0;
};

}  // namespace marrowlink::biorad
