// The centre's page: the files of central/web, which the build makes part of the program.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/embedded.hpp"

namespace marrowlink {

std::span<EmbeddedFile const> central_web();

namespace central {

std::string_view web_file(std::string_view name);  // empty where there is none

// The HTML of "plate", "subject" and "cohort", which differ by their script (plate.js, subject.js, cohort.js); empty of any other.
std::string page_of(std::string_view name);

}  // namespace central
}  // namespace marrowlink
