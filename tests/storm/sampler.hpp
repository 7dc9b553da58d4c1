// A particle counter on a Modbus bus: it keeps its samples in a queue and lets one go when it is told so. Played by the simulator that
// comes with the generic Modbus driver, over a bus that loses and damages frames.
#pragma once

#include <deque>

#include "drivers/modbus/simulator.hpp"
#include "instruments.hpp"
#include "tests/sim/modbus_line.hpp"

namespace marrowlink::storm {

class Sampler final : public Instrument {
 public:
    Sampler(Bench& bench, std::string id, std::uint64_t seed);
    InstrumentConfig config() const override;
    void measure() override;
    bool done() const override { return waiting_.empty(); }
    sim::ModbusLine* bus() override { return &line_; }
    void calm() override { stormy_ = false; }

 private:
    class Line final : public sim::ModbusLine {
     public:
        Line(Clock& clock, modbus::Bank& bank) : ModbusLine(clock), bank_(bank) {}

     private:
        Task<std::string> answer_to(std::string question, Clock& clock) override;
        modbus::Bank& bank_;
    };
    void note_deleted();

    sim::SeededEntropy dice_;
    modbus::ModbusSimulator device_;
    Line line_;
    std::deque<Measured*> waiting_;  // in the device, the oldest first
    bool stormy_ = true;
    bool told_always_;  // its status is polled too, and told every minute
};

}  // namespace marrowlink::storm
