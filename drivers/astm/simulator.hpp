// An analyser on an ASTM link that is not there: it asks, sends frames, waits for an answer to each and keeps a message until its last
// frame is acknowledged. Written from the facts in notes.md; shares no code with the driver.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "drivers/simulated_line.hpp"

namespace marrowlink::astm {

class AstmSimulator final : public SimulatedInstrument {
 public:
    using SimulatedInstrument::SimulatedInstrument;

    void receive(std::string_view bytes, Instant now) override;
    void unplugged() override;
    void measure(Instant now) override;

 private:
    void proceed(Instant now) override;
    std::optional<Instant> proceeds(Instant now) const override;
    struct Result {
        std::string key, records;  // without H
    };
    void begin(Instant now);
    void end(Instant now);
    void frame(Instant now);  // the next one, or the same again
    void answered(bool yes, Instant now);
    bool mute() const { return options_.faults.silent_after != 0 && delivered_ >= options_.faults.silent_after; }

    std::deque<Result> waiting_;
    std::vector<std::string> frames_;    // of the first that waits
    std::size_t next_frame_ = 0;         // the one to be answered; frames_.size(): none but the enquiry
    std::size_t break_off_at_ = 0;       // before this frame; 0: not
    std::optional<Instant> patience_;    // in a transfer: until when an answer is waited for
    std::optional<Instant> not_before_;  // a new transfer
    int refusals_ = 0;
    bool enquired_ = false;
    std::uint64_t results_ = 0, delivered_ = 0, transfers_ = 0;
};

}  // namespace marrowlink::astm
