// Analysers and readers behind a cable, each played by the simulator that comes with its driver.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/wake.hpp"
#include "drivers/simulated_line.hpp"
#include "instruments.hpp"

namespace marrowlink::storm {

class Cabled final : public Instrument {
 public:
    enum class Kind : std::uint8_t {
        astm,    // says a result until its last frame is acknowledged
        hl7,     // says a message until it is acknowledged by its id
        biotek,  // says a plate once
        biorad,  // measures when it is told to, and says its last plate again when asked
    };
    static constexpr std::uint64_t kinds = 4;

    Cabled(Bench& bench, std::string id, Kind kind, std::uint64_t seed);
    InstrumentConfig config() const override;
    void measure() override;
    bool done() const override { return waiting_.empty() && to_measure_ == 0; }
    bool startable() const override { return kind_ == Kind::biorad; }
    void plugged(std::unique_ptr<sim::MemoryTransport> far) override;
    void unplug() override;

 private:
    Task<void> talk(std::shared_ptr<sim::MemoryTransport> line);
    void note(SimulatedEvent const& event);

    Kind kind_;
    std::unique_ptr<SimulatedInstrument> instrument_;
    std::shared_ptr<sim::MemoryTransport> line_;
    std::map<std::string, Measured*> measured_, waiting_;  // by the instrument's own key; waiting: kept until it is taken
    std::uint64_t to_measure_ = 0;
};

}  // namespace marrowlink::storm
