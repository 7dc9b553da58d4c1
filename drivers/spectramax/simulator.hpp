// A SpectraMax reader that is not there: bytes in, bytes out, time handed in. It plays 96- or 384-well dose-response plates from a seed and
// every fault that the driver must survive. Pure; unit tests, the pseudo-terminal simulator and the simulated world all use this one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/transport.hpp"

namespace marrowlink::spectramax {

struct SimulatorOptions {
    std::uint64_t seed = 1;
    int wells = 96;  // 96 or 384
    std::chrono::milliseconds read_duration{10'000};
    std::uint32_t bytes_per_second = 0;                   // 0: replies arrive at once; 960 is 9600 baud 8N1
    std::uint64_t damage_every = 0;                       // about one byte in so many leaves damaged: a flipped bit, or lost; 0: none
    std::uint64_t repeat_every = 0;                       // about one reply in so many leaves twice, as over a line that echoes; 0: none
    std::uint64_t silent_after_commands = 0;              // goes mute after so many commands, again and again; 0: never
    std::optional<std::chrono::milliseconds> silent_for;  // nothing: for ever
    std::uint64_t unplug_after_bytes = 0;                 // the cable comes out after so many bytes sent, again and again; 0: never
    std::uint64_t saturated_one_in = 200;                 // wells; 0: none
};

class SpectraMaxSimulator {
 public:
    using Instant = Clock::Instant;

    // What the reader itself knows it did: the truth that a judge compares with what central stored.
    struct Event {
        enum class Kind : std::uint8_t { started, measured, cleared };
        Kind kind = Kind::started;
        std::uint64_t plate_no = 0;  // counts from 1
        std::string transfer;        // measured, cleared: the reply to !TRANSFER, undamaged, from "OK" through its last '>'
    };

    SpectraMaxSimulator(SimulatorOptions options, Instant now);

    void receive(std::string_view bytes, Instant now);
    std::string send(Instant now);                         // bytes whose time has come; empty when none
    std::optional<Instant> next_event(Instant now) const;  // when to call send() again without having received anything
    std::vector<Event> take_events();

    bool press_read(Instant now);  // somebody starts a read at the panel; false when busy or when data are still held
    void unplugged();              // the line is gone: unsent bytes and half a command are lost, data are not
    bool wants_unplugging() const { return unplug_due_; }

    bool measuring() const { return done_at_.has_value(); }
    bool holds_data() const { return !held_.empty(); }
    std::uint64_t plates() const { return plate_no_; }

    // Faults that begin or end during a test.
    void set_damage_every(std::uint64_t n) { options_.damage_every = n; }
    void set_unplug_after(std::uint64_t bytes) { options_.unplug_after_bytes = bytes; }
    void set_silent(bool yes);  // mute until told otherwise

 private:
    void advance(Instant now);
    void answer(std::string_view command, Instant now);
    void begin(Instant now);
    void reply(std::string_view text, Instant now);
    std::string block(std::string_view wavelength);
    std::uint64_t random();
    double uniform();
    bool silent(Instant now);

    SimulatorOptions options_;
    Instant power_on_;
    std::uint64_t random_;
    std::uint64_t uptime_offset_s_;
    std::string command_, out_;
    Instant out_since_{};         // when the line began to carry out_
    std::uint64_t out_sent_ = 0;  // bytes of out_ the line has carried since then
    std::vector<std::string> wavelengths_{"450"};
    std::optional<Instant> done_at_;
    std::string held_;  // the measured plate, until !CLEAR DATA
    std::uint64_t plate_no_ = 0;
    std::uint64_t commands_ = 0, bytes_out_ = 0;
    bool mute_ = false;
    std::optional<Instant> mute_until_;
    bool unplug_due_ = false;
    std::vector<Event> events_;
};

// Plays the reader at the far end of a line, until the line is closed or the reader wants to be unplugged. Each event goes to `log` before
// any byte that depends on it leaves.
Task<void> play(SpectraMaxSimulator& reader, Transport& line, Clock& clock, std::function<void(SpectraMaxSimulator::Event const&)> log);

}  // namespace marrowlink::spectramax
