#include "central/web.hpp"

#include <algorithm>
#include <array>

namespace marrowlink::central {

std::string_view web_file(std::string_view name) {
    auto const files = central_web();
    auto const found = std::find_if(files.begin(), files.end(), [&](EmbeddedFile const& file) { return file.name == name; });
    return found == files.end() ? std::string_view{} : found->bytes;
}

std::string page_of(std::string_view name) {
    constexpr std::array<std::string_view, 3> pages{"plate", "subject", "cohort"};
    constexpr std::string_view place = "{page}";
    if (std::find(pages.begin(), pages.end(), name) == pages.end()) return {};
    std::string out{web_file("page.html")};
    out.replace(out.find(place), place.size(), name);
    return out;
}

}  // namespace marrowlink::central
