#include "core/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "core/text.hpp"

namespace marrowlink {
namespace {

constexpr std::size_t word_bytes_max = 64;
constexpr std::size_t beginning_bytes_min = 4;

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
    if (a == b) return 0;
    if (a.size() > word_bytes_max || b.size() > word_bytes_max) return std::numeric_limits<std::size_t>::max();
    std::array<std::array<std::uint8_t, word_bytes_max + 1>, 3> rows{};  // this row, the one before, the one before that
    auto* row = &rows[0];
    auto* before = &rows[1];
    auto* earlier = &rows[2];
    for (std::size_t j = 0; j <= b.size(); ++j) (*before)[j] = static_cast<std::uint8_t>(j);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        (*row)[0] = static_cast<std::uint8_t>(i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            int const replaced = (*before)[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            int best = std::min({replaced, (*before)[j] + 1, (*row)[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = std::min(best, (*earlier)[j - 2] + 1);
            (*row)[j] = static_cast<std::uint8_t>(best);
        }
        std::swap(before, earlier);
        std::swap(row, before);
    }
    return (*before)[b.size()];
}

std::optional<std::string_view> nearest(std::string_view word, std::span<std::string_view const> known) {
    std::string const wanted = lower_case(word);
    std::optional<std::string_view> best;
    std::size_t best_distance = std::numeric_limits<std::size_t>::max();
    for (std::string_view const candidate : known) {
        std::size_t const distance = edit_distance(wanted, lower_case(candidate));
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    // Who forgot the ending, often the unit, is nearer than the count of letters says.
    if (word.size() >= beginning_bytes_min)
        for (std::string_view const candidate : known)
            if (lower_case(candidate).starts_with(wanted)) return candidate;
    if (!best || best_distance > std::max<std::size_t>(1, best->size() / 3)) return std::nullopt;
    return best;
}

}  // namespace marrowlink
