#include "gateway/room.hpp"

#include <algorithm>

namespace marrowlink {

double bytes_each(OutboxPosition const& position) {
    std::uint64_t const kept = position.appended + 1 - position.first_kept;
    return kept > 0 ? static_cast<double>(position.used_bytes) / static_cast<double>(kept) : 0.0;
}

std::uint64_t room_bytes(OutboxPosition const& position, std::uint64_t budget_bytes, std::optional<std::uint64_t> free_bytes) {
    auto const waiting = static_cast<double>(position.appended - std::min(position.acknowledged, position.appended));
    std::uint64_t const taken = std::min(position.used_bytes, static_cast<std::uint64_t>(waiting * bytes_each(position)));
    std::uint64_t const room = budget_bytes - std::min(budget_bytes, taken);
    if (!free_bytes) return room;
    return std::min(room, *free_bytes + (position.used_bytes - taken));
}

}  // namespace marrowlink
