// Days without a link at full load, and what comes after: memory stays bounded, the backlog leaves at the speed of the link, nothing is
// lost. With a small disk budget instruments are refused on the way, and accepted again by themselves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace marrowlink::storm {

struct OutageOptions {
    int hours = 72;
    int instruments = 12;
    std::uint64_t records = 300'000;          // of all instruments together, evenly over the hours
    std::uint64_t bytes = 1u << 30;           // of all of them
    std::uint64_t budget_bytes = 8ull << 30;  // of the outbox
    std::function<void(std::string const&)> tell;
};

struct OutageResult {
    std::vector<std::string> faults;             // empty: nothing is wrong
    std::uint64_t waiting_at_end_of_outage = 0;  // records
    std::uint64_t refused_lines = 0;             // times an instrument had to keep a line because nobody acknowledged it
    bool budget_reached = false;
    double drain_seconds = 0;                                      // virtual, from the link's return to the last acknowledgement
    double first_half_per_s = 0, second_half_per_s = 0;            // records, virtual: a backlog that slows its own drain would show here
    std::uint64_t memory_before_bytes = 0, memory_peak_bytes = 0;  // resident, of the whole simulated world
};

// Works in `folder`, which is emptied first and becomes the current one; it needs three times `bytes` there.
OutageResult run_outage(OutageOptions const& options, std::filesystem::path const& folder);

}  // namespace marrowlink::storm
