// How much more the outbox takes before it must refuse: the one place where that is worked out.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "core/clock.hpp"
#include "gateway/outbox_store.hpp"

namespace marrowlink {

struct Room {
    std::uint64_t bytes = 0;         // on disk, before appends are refused
    std::uint64_t budget_bytes = 0;  // of the outbox
    std::optional<double> hours;     // at the present rate; nothing when no rate is known
};

// On disk, what waits for central takes its share of the used pages. What central has already acknowledged gives way when the budget needs
// its room, so it takes none. `free_bytes` of the file system; nothing when that cannot be asked.
std::uint64_t room_bytes(OutboxPosition const& position, std::uint64_t budget_bytes, std::optional<std::uint64_t> free_bytes);

// Bytes on disk for each byte of a record, as the records kept now suggest; 0 when none is kept. Bytes, not records: a chunk of a file is a
// hundred times a message.
double pages_per_byte(OutboxPosition const& position);

// How fast the outbox fills, over the last hour.
class UsageRate {
 public:
    void note(Clock::Instant now, OutboxPosition const& position);
    std::optional<double> hours_for(std::uint64_t bytes) const;  // nothing before a rate is known, and while nothing comes in

 private:
    struct Sample {
        Clock::Instant at;
        std::uint64_t appended_bytes;
        double pages_per_byte;
    };
    std::deque<Sample> samples_;  // at most one a minute, one hour of them
};

}  // namespace marrowlink
