// What instruments that are not there have in common: a line with faults, and a way to be played at the end of a Transport. Pure: bytes in,
// bytes out, time handed in; shares no code with any driver.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/transport.hpp"

namespace marrowlink {

struct LineFaults {
    std::uint32_t bytes_per_second = 0;  // 0: bytes leave at once; 960 is 9600 baud 8N1
    std::uint64_t damage_every = 0;      // about one byte in so many leaves damaged: a flipped bit, or lost; 0: none
    std::uint64_t silent_after = 0;      // goes mute for good after so many results; 0: never
    std::uint64_t repeat_every = 0;      // sends about one result in so many again, although it was taken; 0: none
    std::uint64_t break_off_every = 0;   // breaks off about one result in so many and sends it from its beginning; 0: none
};

// Faults by the name of what goes wrong, each often enough to be seen within some results.
enum class SimulatedVariant : std::uint8_t { normal, slow, damaged, silent, repeating };
inline constexpr std::array<std::pair<std::string_view, SimulatedVariant>, 5> simulated_variants{{
    {"normal", SimulatedVariant::normal},
    {"slow", SimulatedVariant::slow},            // 120 bytes a second, an eighth of 9600 baud
    {"damaged", SimulatedVariant::damaged},      // one byte in 2,000
    {"silent", SimulatedVariant::silent},        // after three results
    {"repeating", SimulatedVariant::repeating},  // one result in two comes again
}};
LineFaults faults_of(SimulatedVariant variant);

struct SimulatorOptions {
    std::uint64_t seed = 1;                    // the same seed plays the same results
    std::chrono::milliseconds period{60'000};  // from one result to the next; 0: only when told
    LineFaults faults;
};

// What the instrument itself knows it did: the truth to compare with what was stored.
struct SimulatedEvent {
    enum class Kind : std::uint8_t { measured, delivered, given_up };
    Kind kind = Kind::measured;
    std::string key;   // of the result, counted by the instrument
    std::string text;  // of the result, undamaged, as the line carries it
};

class SimulatedLine {
 public:
    SimulatedLine(LineFaults faults, std::uint64_t seed) : faults_(faults), random_(seed) {}

    void say(std::string_view text, Clock::Instant now);
    std::string send(Clock::Instant now);
    std::optional<Clock::Instant> next(Clock::Instant now) const;  // when bytes that wait may leave
    bool idle() const { return out_.empty(); }
    void unplugged() { out_.clear(); }

    LineFaults const& faults() const { return faults_; }
    void set_damage_every(std::uint64_t n) { faults_.damage_every = n; }
    bool one_in(std::uint64_t n) { return n != 0 && random() % n == 0; }
    std::uint64_t random();

 private:
    LineFaults faults_;
    std::uint64_t random_;
    std::string out_;
    Clock::Instant since_{};  // when the line began to carry out_
    std::uint64_t sent_ = 0;  // bytes of out_ that it has carried since then
};

// An instrument that measures once a period and speaks when its time has come.
class SimulatedInstrument {
 public:
    using Instant = Clock::Instant;
    SimulatedInstrument(SimulatorOptions const& options, Instant now)
        : options_(options), line_(options.faults, options.seed), measured_at_(now) {}
    virtual ~SimulatedInstrument() = default;

    virtual void receive(std::string_view bytes, Instant now) = 0;
    std::string send(Instant now);                         // bytes whose time has come
    std::optional<Instant> next_event(Instant now) const;  // when to call send() again without having received anything
    virtual void unplugged() { line_.unplugged(); }        // unsent bytes and half a message are lost, results are not
    virtual void measure(Instant now) = 0;                 // somebody has it measure once, now

    std::vector<SimulatedEvent> take_events() { return std::exchange(events_, {}); }

 protected:
    // What else its time has come for, and when it comes next.
    virtual void proceed(Instant) {}
    virtual std::optional<Instant> proceeds(Instant) const { return {}; }

    void note(SimulatedEvent::Kind kind, std::string key, std::string text) { events_.push_back({kind, std::move(key), std::move(text)}); }

    SimulatorOptions options_;
    SimulatedLine line_;

 private:
    Instant measured_at_;
    std::vector<SimulatedEvent> events_;
};

// Plays the instrument at the far end of a line until the line is closed. Events go to `log` before any byte that depends on them leaves.
Task<void> play(SimulatedInstrument& instrument, Transport& line, Clock& clock, std::function<void(SimulatedEvent const&)> log);

}  // namespace marrowlink
