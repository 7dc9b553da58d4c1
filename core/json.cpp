#include "core/json.hpp"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

namespace marrowlink::json {

Result<value> parse(std::string_view text, std::string_view what) {
    boost::json::error_code error;
    boost::json::parse_options options;
    options.max_depth = 32;
    value parsed = boost::json::parse(text, error, {}, options);
    if (error) return fail(Fault::refused, fmt::format("{} is not JSON: {}", what, error.message()));
    return parsed;
}

Result<object> parse_object(std::string_view text, std::string_view what) {
    auto parsed = parse(text, what);
    if (!parsed) return fail(parsed.error());
    if (!parsed->is_object()) return fail(Fault::refused, fmt::format("{}: it is no JSON object.", what));
    return std::move(parsed->get_object());
}

std::string_view string_of(object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    auto const* const text = found ? found->if_string() : nullptr;
    return text ? std::string_view{*text} : std::string_view{};
}

std::int64_t integer_of(object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    if (!found) return 0;
    if (auto const* const number = found->if_int64()) return *number;
    if (auto const* const number = found->if_uint64()) return static_cast<std::int64_t>(*number);
    return 0;
}

void put_text(object& into, std::string_view name, std::string_view text) {
    if (!text.empty()) into[name] = text;
}

}  // namespace marrowlink::json
