// What must not stand in anything that people write about a plate: a person. A name alone cannot be told from a drug's, so that subjects
// are pseudonyms of a fixed form (sample_sheet.hpp) and columns are those that are listed; this finds the rest.
#pragma once

#include <optional>
#include <string_view>

namespace marrowlink::analysis {

// What `text` looks like: "a path", "a date", "a French NIR", "an NHS number", "an e-mail address", "a person's name" (after a title, or as
// "Surname, Given"). Nothing when it looks like none. Dates of every kind count, since a date of birth looks like any other.
std::optional<std::string_view> identifying(std::string_view text);

}  // namespace marrowlink::analysis
