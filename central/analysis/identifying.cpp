#include "central/analysis/identifying.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace marrowlink::analysis {
namespace {
bool digit(char c) { return c >= '0' && c <= '9'; }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool letter(char c) { return upper(c) || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

bool path(std::string_view text) {
    if (text.find('\\') != std::string_view::npos || text.starts_with('/') || text.starts_with("~/") ||
        text.find("://") != std::string_view::npos)
        return true;
    if (text.size() > 2 && letter(text[0]) && text[1] == ':' && text[2] == '/') return true;
    return std::count(text.begin(), text.end(), '/') > 1;
}

// Runs of digits with what stands between them.
struct Number {
    std::string_view digits;
    char before = 0;
};
template <class Visit>
void numbers_of(std::string_view text, Visit visit) {
    for (std::size_t at = 0; at < text.size();) {
        if (!digit(text[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < text.size() && digit(text[end])) ++end;
        visit(Number{text.substr(at, end - at), at == 0 ? '\0' : text[at - 1]});
        at = end;
    }
}

bool year(std::string_view digits) { return digits.size() == 4 && (digits.starts_with("19") || digits.starts_with("20")); }
bool within(std::string_view digits, int most) {
    if (digits.empty() || digits.size() > 2) return false;
    int const value = digits.size() == 1 ? digits[0] - '0' : (digits[0] - '0') * 10 + digits[1] - '0';
    return value >= 1 && value <= most;
}

// Day, month and year in any order with one kind of mark between them, the year with four digits; or the eight digits alone.
bool date(std::string_view text) {
    std::array<Number, 3> last{};
    bool found = false;
    numbers_of(text, [&](Number const& next) {
        last = {last[1], last[2], next};
        auto const& [a, b, c] = last;
        bool const marked = c.before == b.before && (c.before == '-' || c.before == '/' || c.before == '.');
        found = found ||
                (marked && within(b.digits, 31) && ((year(a.digits) && within(c.digits, 31)) || (year(c.digits) && within(a.digits, 31))));
        std::string_view const whole = next.digits;
        found =
            found || (whole.size() == 8 && ((year(whole.substr(0, 4)) && within(whole.substr(4, 2), 12) && within(whole.substr(6), 31)) ||
                                            (year(whole.substr(4)) && within(whole.substr(2, 2), 12) && within(whole.substr(0, 2), 31))));
    });
    return found;
}

// Digits that people part by spaces, points or hyphens; NIRs of Corsica have 2A or 2B in them.
std::string joined(std::string_view text) {
    std::string out;
    for (char const c : text)
        if (c != ' ' && c != '.' && c != '-') out += c;
    return out;
}

// Sex, year, month, department, commune, order (13), and a key of two: 97 less the rest by 97.
bool nir(std::string_view joined_text) {
    for (std::size_t at = 0; at + 13 <= joined_text.size(); ++at) {
        if (at > 0 && digit(joined_text[at - 1])) continue;
        std::string id{joined_text.substr(at, 13)};
        if (id[0] != '1' && id[0] != '2') continue;
        if (id[5] == '2' && (id[6] == 'A' || id[6] == 'B')) id[6] = id[6] == 'A' ? '0' : '1';
        if (!std::all_of(id.begin(), id.end(), digit)) continue;
        int const month = (id[3] - '0') * 10 + id[4] - '0';
        if ((month >= 1 && month <= 12) || month >= 20) return true;
    }
    return false;
}

// Ten digits of which the last is 11 less the weighted rest by 11.
bool nhs(std::string_view joined_text) {
    bool found = false;
    numbers_of(joined_text, [&](Number const& number) {
        if (number.digits.size() != 10) return;
        int sum = 0;
        for (int i = 0; i < 9; ++i) sum += (number.digits[static_cast<std::size_t>(i)] - '0') * (10 - i);
        int const check = (11 - sum % 11) % 11;
        found = found || check == number.digits[9] - '0';
    });
    return found;
}

bool person(std::string_view text) {
    static constexpr std::string_view titles[] = {"Dr ",  "Dr. ",  "Mr ", "Mr. ",  "Mrs ",   "Mrs. ", "Ms ",
                                                  "Mme ", "Mlle ", "Pr ", "Prof ", "Prof. ", "M. "};
    for (std::string_view const title : titles)
        for (std::size_t at = text.find(title); at != std::string_view::npos; at = text.find(title, at + 1))
            if ((at == 0 || !letter(text[at - 1])) && at + title.size() < text.size() && upper(text[at + title.size()])) return true;
    auto const comma = text.find(", ");
    if (comma == std::string_view::npos) return false;
    auto const word = [](std::string_view part) {
        return part.size() > 1 && upper(part[0]) && std::all_of(part.begin(), part.end(), [](char c) { return letter(c) || c == '-'; });
    };
    return word(text.substr(0, comma)) && word(text.substr(comma + 2));
}
}  // namespace

std::optional<std::string_view> identifying(std::string_view text) {
    if (path(text)) return "a path";
    if (text.find('@') != std::string_view::npos) return "an e-mail address";
    if (date(text)) return "a date";
    std::string const digits = joined(text);
    if (nir(digits)) return "a French NIR";
    if (nhs(digits)) return "an NHS number";
    if (person(text)) return "a person's name";
    return std::nullopt;
}

}  // namespace marrowlink::analysis
