#include "gateway/room.hpp"

#include <algorithm>

namespace marrowlink {
namespace {
constexpr std::chrono::seconds sample_period{50};
constexpr std::size_t samples_max = 61;
}  // namespace

double pages_per_byte(OutboxPosition const& position) {
    return position.kept_bytes > 0 ? static_cast<double>(position.used_bytes) / static_cast<double>(position.kept_bytes) : 0.0;
}

std::uint64_t room_bytes(OutboxPosition const& position, std::uint64_t budget_bytes, std::optional<std::uint64_t> free_bytes) {
    auto const waiting = static_cast<double>(position.backlog_bytes) * pages_per_byte(position);
    std::uint64_t const taken = std::min(position.used_bytes, static_cast<std::uint64_t>(waiting));
    std::uint64_t const room = budget_bytes - std::min(budget_bytes, taken);
    if (!free_bytes) return room;
    return std::min(room, *free_bytes + (position.used_bytes - taken));
}

void UsageRate::note(Clock::Instant now, OutboxPosition const& position) {
    // A new stream in place of a damaged one counts from nothing again.
    if (!samples_.empty() && position.appended_bytes < samples_.back().appended_bytes) samples_.clear();
    if (!samples_.empty() && now - samples_.back().at < sample_period) return;
    samples_.push_back({now, position.appended_bytes, pages_per_byte(position)});
    while (samples_.size() > samples_max) samples_.pop_front();
}

std::optional<double> UsageRate::hours_for(std::uint64_t bytes) const {
    if (samples_.size() < 2) return std::nullopt;
    double const hours = std::chrono::duration<double, std::ratio<3600>>(samples_.back().at - samples_.front().at).count();
    double const grown =
        static_cast<double>(samples_.back().appended_bytes - samples_.front().appended_bytes) * samples_.back().pages_per_byte;
    if (grown <= 0 || hours <= 0) return std::nullopt;
    return static_cast<double>(bytes) / (grown / hours);
}

}  // namespace marrowlink
