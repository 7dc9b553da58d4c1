// What the simulated instruments know they measured, and the judge who compares it with what central stored. The judge reads the database
// with SQL and arithmetic of its own: it shares SHA-256 and JSON with the product, nothing else.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/clock.hpp"

namespace marrowlink::storm {

std::string clock_text(std::chrono::nanoseconds since_began);  // hours:minutes:seconds.milliseconds

struct Measured {
    enum class Kind : std::uint8_t { keyed_line, line, original };
    Kind kind;
    std::string site, gateway, instrument;
    std::string key;                // keyed_line: its own key; original: SHA-256 of the bytes
    std::string text;               // the line; the original's bytes
    bool owed = true;               // must be at the centre; otherwise it may be there
    Clock::Instant at{};            // when it was measured
    Clock::Instant acknowledged{};  // when the instrument was allowed to forget it; default: not yet
};

class Truth {
 public:
    Measured& add(Measured measured) { return all_.emplace_back(std::move(measured)); }
    std::deque<Measured> const& all() const { return all_; }
    // Somebody put an older disk into this gateway: what it acknowledged since then may be gone.
    void doubt(std::string const& site, std::string const& gateway, Clock::Instant since);
    // A run that a person started, or named afterwards.
    void plate(std::string run, std::string plate) { plates_[std::move(run)].push_back(std::move(plate)); }
    std::map<std::string, std::vector<std::string>> const& plates() const { return plates_; }

 private:
    std::deque<Measured> all_;  // stays where it is
    std::map<std::string, std::vector<std::string>> plates_;
};

struct Verdict {
    std::vector<std::string> faults;
    std::uint64_t records = 0, compared = 0, owed = 0, absent = 0;  // absent: not owed and not there
};

// `began`: the beginning of the world, from which the times it tells are counted.
Verdict judge(Truth const& truth, Clock::Instant began, std::filesystem::path const& central);

}  // namespace marrowlink::storm
