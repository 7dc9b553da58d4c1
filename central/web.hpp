// The centre's page: the files of central/web, which the build makes part of the program.
#pragma once

#include <span>

#include "core/embedded.hpp"

namespace marrowlink {

std::span<EmbeddedFile const> central_web();

}  // namespace marrowlink
