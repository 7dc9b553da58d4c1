#include "central/subject_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "central/web.hpp"

namespace marrowlink::central {
namespace {
// Within a <script> no text may look like its end.
std::string script_safe(std::string text) {
    for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;) text.replace(at, 1, "\\u003c");
    return text;
}

// What the page asks for by name stands in its place.
struct Asked {
    std::string_view before, after, open, close;
};
constexpr std::array asked{Asked{"<link rel=\"stylesheet\" href=\"", "\">", "<style>\n", "</style>"},
                           Asked{"<link rel=\"icon\" href=\"", "\">", {}, {}},
                           Asked{"<script src=\"", "\"></script>", "<script>\n", "</script>"}};
}  // namespace

std::string subject_report(json::object const& comparison, std::vector<json::object> const& results) {
    json::object data{{"comparison", comparison}};
    data["results"] = json::array(results.begin(), results.end());
    std::string const embedded =
        fmt::format("<script type=\"application/json\" id=\"report\">{}</script>\n", script_safe(json::serialize(data)));
    std::string out;
    std::string const whole = page_of("subject");
    std::string_view page = whole;
    while (!page.empty()) {
        auto const end = std::min(page.find('\n'), page.size() - 1) + 1;
        std::string_view const line = page.substr(0, end);
        page.remove_prefix(end);
        auto const kind = std::find_if(asked.begin(), asked.end(), [&](Asked const& one) { return line.starts_with(one.before); });
        if (kind == asked.end()) {
            out += line;
            continue;
        }
        auto const begin = kind->before.size();
        std::string_view const name = line.substr(begin, line.find(kind->after, begin) - begin);
        if (kind->open.empty()) continue;
        if (name == "page.js") out += embedded;
        out += fmt::format("{}{}{}\n", kind->open, web_file(name), kind->close);
    }
    return out;
}

}  // namespace marrowlink::central
