// Modbus devices that are not there: registers in memory, requests in, answers out, time handed in. Written from the facts in notes.md by
// hand; shares no code with the driver or its maps, so that a mistake on one side is seen on the other. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/transport.hpp"
#include "drivers/simulated_line.hpp"

namespace marrowlink::modbus {

// What one device holds. An address that is not in its table does not exist: exception 2.
struct Bank {
    std::map<std::uint16_t, std::uint16_t> input, holding;
    std::map<std::uint16_t, bool> discrete, coils;
    std::function<void(std::uint16_t address, bool value)> on_coil;               // after it was written
    std::function<void(std::uint16_t address, std::uint16_t value)> on_register;  // after it was written

    // Function code and data in, function code and data out (MODBUS Application Protocol V1.1b3, clause 6).
    std::string answer(std::string_view request);
};

// What goes wrong with answers. Nothing guards their bytes over TCP, so a value is never changed: nobody could see it.
struct AnswerFaults {
    std::chrono::milliseconds late{0};  // each comes so much later
    std::uint64_t garble_every = 0;     // about one in so many belongs to no question, or breaks off; 0: none
    std::uint64_t repeat_every = 0;     // about one in so many comes twice; 0: none
    std::uint64_t silent_after = 0;     // requests, then no answer comes any more; 0: never
};
AnswerFaults faults_of(SimulatedVariant variant);

struct SimulatorOptions {
    std::string device = "hettich";  // "hettich", "julabo" or "minicapt"
    std::uint64_t seed = 1;
    std::uint8_t unit = 1;  // over TCP any unit is answered, as most devices do
    std::chrono::milliseconds sample_period{60'000};
    AnswerFaults faults;
};

class ModbusSimulator {
 public:
    using Instant = Clock::Instant;
    // What the device itself knows it did: the truth to compare with what was stored.
    struct Sample {
        std::uint32_t time_stamp = 0, sample_time = 0, flow_rate = 0, volume = 0;  // raw, as in the registers
    };

    static bool knows(std::string_view device);
    ModbusSimulator(SimulatorOptions options, Instant now);
    ModbusSimulator(ModbusSimulator const&) = delete;  // the bank refers to it
    ModbusSimulator& operator=(ModbusSimulator const&) = delete;

    void advance(Instant now);  // temperatures wander, samples are taken
    void take_sample();
    Bank& bank() { return bank_; }
    std::deque<Sample> const& waiting() const { return waiting_; }
    std::deque<Sample> const& taken() const { return taken_; }      // in their order
    std::deque<Sample> const& deleted() const { return deleted_; }  // because somebody wrote so

    // Bytes of a TCP connection, perhaps part of a request; the bytes to send back, by its faults. Nothing for a garbled header.
    std::string receive_tcp(std::string_view bytes);
    AnswerFaults const& faults() const { return options_.faults; }

 private:
    void show_front();
    std::string spoilt(std::string answer);
    std::uint32_t random(std::uint32_t bound);

    SimulatorOptions options_;
    std::uint64_t random_;
    Instant wandered_, sampled_;
    Bank bank_;
    std::string pending_;
    std::uint64_t requests_ = 0;
    std::deque<Sample> waiting_, taken_, deleted_;
    std::int32_t tenths_ = 370;
};

// Plays the device at the far end of a TCP connection until it is closed.
Task<void> play_tcp(ModbusSimulator& device, Transport& line, Clock& clock);

}  // namespace marrowlink::modbus
