#include "timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace marrowlink::storm {
namespace {
constexpr int columns = 96;
constexpr std::string_view worst_first = "OWPKDNRHUCT";
}  // namespace

std::string timeline_of(std::vector<World::Mark> const& marks, std::chrono::milliseconds length) {
    std::map<std::string, std::string> rows;
    for (World::Mark const& mark : marks) {
        std::string& row = rows.try_emplace(mark.who, std::string(columns, '.')).first->second;
        auto const column = static_cast<std::size_t>(std::min<std::int64_t>(mark.at * columns / length, columns - 1));
        char& cell = row[column];
        if (worst_first.find(mark.what) < std::min(worst_first.find(cell), worst_first.size())) cell = mark.what;
    }
    std::string text;
    for (auto const& [who, row] : rows) text += fmt::format("{:>14} {}\n", who, row);
    std::string scale(columns, ' ');
    auto const hours = std::chrono::duration_cast<std::chrono::hours>(length).count();
    for (std::int64_t hour = 0; hour < hours; hour += std::max<std::int64_t>(1, hours / 8)) {
        std::string const label = fmt::format("{} h", hour);
        scale.replace(static_cast<std::size_t>(hour * columns / hours), label.size(), label);
    }
    return text + fmt::format("{:>14} {}\n", "", scale.substr(0, columns));
}

}  // namespace marrowlink::storm
