// The product's version; CMake reads it from this line.
#pragma once

#include <string_view>

namespace marrowlink {

inline constexpr std::string_view version = "0.1.0";

}  // namespace marrowlink
