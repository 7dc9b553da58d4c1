// How far a long work has come, for a person at a terminal: one line on standard error, written over at most ten times a second. Silent
// where standard error is no terminal.
#pragma once

#include <cstddef>
#include <string>

#include "core/clock.hpp"

namespace marrowlink {

class Progress {
 public:
    explicit Progress(std::string label);
    void at(std::size_t done, std::size_t total);
    void end();  // clears the line

 private:
    std::string label_;
    bool terminal_;
    bool shown_ = false;
    Clock::Instant next_{};
};

}  // namespace marrowlink
