#include "drivers/gen5/cell.hpp"

#include <fmt/format.h>

#include <charconv>

#include "drivers/text_table.hpp"

namespace marrowlink::gen5 {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits_from(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - at;
}

// -12  0.5  0,5  1.2E-05
Cell number(std::string_view text) {
    Cell const no{CellKind::unknown, 0, false};
    Cell cell{CellKind::number, 0, false};
    std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    std::size_t const whole = digits_from(text, at);
    if (whole == 0) return no;
    bool const leading_zero = text[at] == '0';
    at += whole;
    if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
        cell.separator = text[at++];
        std::size_t const fraction = digits_from(text, at);
        if (fraction == 0) return no;
        at += fraction;
        cell.decisive = leading_zero || whole > 3 || fraction != 3;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
        std::size_t const exponent = digits_from(text, at);
        if (exponent == 0) return no;
        at += exponent;
        cell.decisive = true;
    }
    return at == text.size() ? cell : no;
}

}  // namespace

Cell classify(std::string_view text) {
    if (text.empty()) return {};
    if (is_digit(text[0]) || text[0] == '-' || text[0] == '+') return number(text);
    if (text == "OVRFLW" || text == "MISSED") return {CellKind::word, 0, false};
    if (text.find_first_not_of('?') == std::string_view::npos || text.find_first_not_of('*') == std::string_view::npos)
        return {CellKind::word, 0, false};
    if (text[0] == '>' || text[0] == '<') {
        Cell bound = number(text.substr(1));
        if (bound.kind == CellKind::number) bound.kind = CellKind::word;
        return bound;
    }
    return {CellKind::unknown, 0, false};
}

void DecimalSeparator::see(Cell const& cell, std::string_view text, std::size_t line) {
    if (cell.separator == 0) return;
    Witness& first = cell.separator == ',' ? comma_ : point_;
    if (first.line == 0) first = {std::string{text}, line};
    if (cell.separator == ',' && cell.decisive) decisive_ = true;
}

Result<char> DecimalSeparator::decide() const {
    if (comma_.line == 0) return '.';
    if (point_.line != 0)
        return fail(
            Fault::refused,
            fmt::format("The file writes {} in line {} and {} in line {}: it is not clear whether the comma or the point parts decimals.",
                        in_quotes(comma_.text), comma_.line, in_quotes(point_.text), point_.line));
    if (!decisive_)
        return fail(Fault::refused,
                    fmt::format("Every comma in the file's numbers could part thousands or decimals, the first is {} in line {}; "
                                "export it with a decimal point, or with a number that decides.",
                                in_quotes(comma_.text), comma_.line));
    return ',';
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
