// A text file of the source tree that is part of the program; cmake/embed.cmake writes the functions that return them.
#pragma once

#include <span>
#include <string_view>

namespace marrowlink {

struct EmbeddedFile {
    std::string_view name;  // without its folder
    std::string_view bytes;
};

}  // namespace marrowlink
