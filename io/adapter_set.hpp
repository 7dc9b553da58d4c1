// Making an adapter keep for this gateway's instrument: whose it is, and the settings of its line.
#pragma once

#include <string>
#include <vector>

#include "core/clock.hpp"
#include "io/adapter.hpp"

namespace marrowlink {

struct AdapterWish {
    bool take_over = false;   // what waits for another owner is lost
    bool count_anew = false;  // of the same owner, when either side was restored from a copy
};

// What was done, in sentences. An adapter that is nobody's is taken with what it keeps; another's only when nothing of its instrument waits
// there, else `refused` and untouched, with what would be lost.
Task<Result<std::vector<std::string>>> set_adapter(ModbusMaster& bus, AdapterPlace const& place, Entropy& entropy, AdapterWish wish);

}  // namespace marrowlink
