// A storm is a seed: a topology, a load and a weather made from it. Then the faults stop, time runs on, and what the instruments measured
// must be what central stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace marrowlink::storm {

struct StormOptions {
    std::uint64_t seed = 1;
    int hours = 48;
    std::function<void(std::string const&)> listener;  // hears every event
};

struct StormResult {
    std::uint64_t seed = 0;
    std::vector<std::string> faults;  // empty: it balances
    std::vector<std::string> events;  // the last 200
    std::uint64_t records = 0, measured = 0, owed = 0, absent = 0, turns = 0, deaths = 0, sectors_lost = 0;
    std::size_t gateways = 0, instruments = 0;
    std::string weather;   // which kinds of fault this seed has
    std::string timeline;  // of its faults
};

// Works in `folder`, which is emptied first and becomes the current one.
StormResult run_storm(StormOptions const& options, std::filesystem::path const& folder);

}  // namespace marrowlink::storm
