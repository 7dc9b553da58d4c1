// A storm at one look: a row for each machine, a column for each stretch of time, a letter for the worst that happened there.
#pragma once

#include <string>
#include <vector>

#include "world.hpp"

namespace marrowlink::storm {

inline constexpr char const* timeline_legend =
    "K killed   P power cut   D disk fault   O older disk put back   N network fault   T wall clock stepped\n"
    "C cable pulled   H broker forgets, repeats or keeps PUBACKs   R broker refuses records   W cloned   U rehearsal";

std::string timeline_of(std::vector<World::Mark> const& marks, std::chrono::milliseconds length);

}  // namespace marrowlink::storm
