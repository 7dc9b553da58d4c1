// What an adapter keeps, as a table for people.
#pragma once

#include <string>
#include <vector>

#include "core/clock.hpp"
#include "io/adapter_log.hpp"

namespace marrowlink {

inline constexpr std::size_t slot_text_bytes_max = 72;  // of a slot's data in one line

// `now`: when `state` was read. Of an earlier start it is only known how long after it something came.
std::string slots_text(std::vector<AdapterSlot> const& slots, AdapterState const& state, Clock::Utc now);

}  // namespace marrowlink
