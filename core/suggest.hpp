// The known word that a misspelt one most likely meant.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace marrowlink {

// Letters inserted, left out, replaced or exchanged with their neighbour, each once (optimal string alignment). Bytes are compared, not
// letters. A word longer than 64 bytes is infinitely far from any other.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, capitals ignored, the first of equals: one that begins with `word` (of 4 bytes or more), else the one with the
// fewest letters changed; nothing when that is more than a third of them.
std::optional<std::string_view> nearest(std::string_view word, std::span<std::string_view const> known);

}  // namespace marrowlink
