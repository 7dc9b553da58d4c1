// How much more the outbox takes before it must refuse: the one place where that is worked out.
#pragma once

#include <cstdint>
#include <optional>

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

// Bytes on disk of one record, as the records kept now suggest; 0 when none is kept.
double bytes_each(OutboxPosition const& position);

}  // namespace marrowlink
