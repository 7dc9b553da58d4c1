#include "drivers/decimal.hpp"

#include <fmt/format.h>

#include "drivers/text_table.hpp"

namespace marrowlink {

namespace {
bool is_digit(char c) { return c >= '0' && c <= '9'; }
}  // namespace

std::size_t digits_from(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - at;
}

std::optional<Decimal> decimal_of(std::string_view text) {
    Decimal number;
    std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    std::size_t const whole = digits_from(text, at);
    if (whole == 0) return {};
    bool const leading_zero = text[at] == '0';
    at += whole;
    if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
        number.separator = text[at++];
        std::size_t const fraction = digits_from(text, at);
        if (fraction == 0) return {};
        at += fraction;
        number.decisive = leading_zero || whole > 3 || fraction != 3;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
        std::size_t const exponent = digits_from(text, at);
        if (exponent == 0) return {};
        at += exponent;
        number.decisive = true;
    }
    if (at != text.size()) return {};
    return number;
}

void DecimalSeparator::see(Decimal const& number, std::string_view text, std::size_t line) {
    if (number.separator == 0) return;
    Witness& first = number.separator == ',' ? comma_ : point_;
    if (first.line == 0) first = {std::string{text}, line};
    if (number.separator != ',') return;
    decisive_ = decisive_ || number.decisive;
    every_comma_decisive_ = every_comma_decisive_ && number.decisive;
}

Result<char> DecimalSeparator::decide(Mixture mixture) const {
    if (comma_.line == 0) return '.';
    if (point_.line != 0 && mixture == Mixture::where_decisive && every_comma_decisive_) return '.';
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

}  // namespace marrowlink
