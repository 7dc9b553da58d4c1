// A listener that remembers what an instrument told of itself.
#pragma once

#include <string>
#include <vector>

#include "gateway/instrument.hpp"

namespace marrowlink {

struct Ear final : InstrumentListener {
    void on_instrument(std::string const&, ConnectionStatus const& status) override { states.push_back(status); }
    void on_heard(std::string const&, Clock::Instant) override {}
    void on_changed(std::string const&) override {}
    void on_taken(TakenFile const&) override {}
    void on_stored(std::string const&, std::vector<Draft> const&, std::size_t count, std::uint64_t) override { messages += count; }
    std::vector<ConnectionStatus> states;
    std::size_t messages = 0;
};

}  // namespace marrowlink
