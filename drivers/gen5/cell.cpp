#include "drivers/gen5/cell.hpp"

#include <fmt/format.h>

#include <charconv>

#include "drivers/text_table.hpp"

namespace marrowlink::gen5 {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Cell number(std::string_view text) {
    auto const found = decimal_of(text);
    return found ? Cell{CellKind::number, *found} : Cell{CellKind::unknown, {}};
}

}  // namespace

Cell classify(std::string_view text) {
    if (text.empty()) return {};
    if (is_digit(text[0]) || text[0] == '-' || text[0] == '+') return number(text);
    if (text == "OVRFLW" || text == "MISSED") return {CellKind::word, {}};
    if (text.find_first_not_of('?') == std::string_view::npos || text.find_first_not_of('*') == std::string_view::npos)
        return {CellKind::word, {}};
    if (text[0] == '>' || text[0] == '<') {
        Cell bound = number(text.substr(1));
        if (bound.kind == CellKind::number) bound.kind = CellKind::word;
        return bound;
    }
    return {CellKind::unknown, {}};
}

Result<std::string> seconds_of(std::string_view text) {
    auto const wrong = [&] { return fail(Fault::refused, fmt::format("{} is not a time written h:mm:ss", in_quotes(text))); };
    std::size_t const hours = digits_from(text, 0);
    std::string_view const rest = text.substr(hours);
    if (hours == 0 || hours > 6 || rest.size() < 6 || rest[0] != ':' || rest[3] != ':') return wrong();
    for (std::size_t i : {1, 2, 4, 5})
        if (!is_digit(rest[i])) return wrong();
    if (rest[1] > '5' || rest[4] > '5') return wrong();
    std::string_view const fraction = rest.substr(6);
    if (!fraction.empty() &&
        ((fraction[0] != '.' && fraction[0] != ',') || fraction.size() < 2 || digits_from(fraction, 1) != fraction.size() - 1))
        return wrong();
    unsigned whole = 0;
    std::from_chars(text.data(), text.data() + hours, whole);
    unsigned const minutes = static_cast<unsigned>((rest[1] - '0') * 10 + rest[2] - '0');
    unsigned const seconds = static_cast<unsigned>((rest[4] - '0') * 10 + rest[5] - '0');
    std::string out = std::to_string(std::uint64_t{whole} * 3600 + minutes * 60 + seconds);
    if (!fraction.empty()) out.append(1, '.').append(fraction.substr(1));
    return out;
}

}  // namespace marrowlink::gen5
