#include "drivers/sheet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "drivers/text_table.hpp"

namespace marrowlink {

std::optional<std::pair<std::uint32_t, std::uint32_t>> row_and_column(std::string_view place) {
    std::uint32_t column = 0;
    std::size_t at = 0;
    for (; at < place.size() && at < 3 && place[at] >= 'A' && place[at] <= 'Z'; ++at)
        column = column * 26 + static_cast<std::uint32_t>(place[at] - 'A' + 1);
    std::uint32_t row = 0;
    auto const [end, bad] = std::from_chars(place.data() + at, place.data() + place.size(), row);
    if (bad != std::errc{} || end != place.data() + place.size()) return {};
    if (row == 0 || row > sheet_rows_max || column == 0 || column > sheet_columns_max) return {};
    return std::pair{row, column};
}

bool is_date_format(std::uint32_t id) {
    return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
}
bool is_date_format(std::string_view code) {
    for (std::size_t at = 0; at < code.size(); ++at) {
        char const c = code[at];
        if (c == '"') {
            at = std::min(code.find('"', at + 1), code.size());
        } else if (c == '\\' || c == '_' || c == '*') {
            ++at;
        } else if (c == '[') {
            std::size_t const end = std::min(code.find(']', at), code.size());
            std::string_view const inside = code.substr(at + 1, end - at - 1);
            // Hours, minutes or seconds that have gone by; all else in brackets is a colour, a condition or a language.
            if (!inside.empty() && inside.find_first_not_of("hHmMsS") == std::string_view::npos) return true;
            at = end;
        } else if (std::string_view{"yYmMdDhHsS"}.find(c) != std::string_view::npos) {
            return true;
        }
    }
    return false;
}

std::string place_of(std::uint32_t row, std::uint32_t column) {
    std::string letters;
    for (; column > 0; column = (column - 1) / 26) letters.insert(letters.begin(), static_cast<char>('A' + (column - 1) % 26));
    return letters + std::to_string(row);
}
std::string place_of(Cell const& cell) { return place_of(cell.row, cell.column); }

std::span<Cell const> Sheet::row(std::uint32_t number) const {
    auto const first = std::lower_bound(cells.begin(), cells.end(), number, [](Cell const& one, std::uint32_t at) { return one.row < at; });
    auto const last = std::upper_bound(first, cells.end(), number, [](std::uint32_t at, Cell const& one) { return at < one.row; });
    return {first, last};
}

Cell const* Sheet::at(std::uint32_t number, std::uint32_t column) const {
    auto const found = std::lower_bound(cells.begin(), cells.end(), std::pair{number, column}, [](Cell const& one, auto const& at) {
        return std::pair{one.row, one.column} < at;
    });
    return found != cells.end() && found->row == number && found->column == column ? &*found : nullptr;
}

std::string_view Sheet::text(std::uint32_t number, std::uint32_t column) const {
    Cell const* const cell = at(number, column);
    return cell ? trimmed(cell->text) : std::string_view{};
}

std::string date_of(std::string_view text, bool since_1904) {
    double serial = 0;
    auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), serial);
    // Excel takes 1900 for a leap year: before March of that year its days mean two things.
    constexpr double first_sure_day = 61, last_day = 2'958'465;
    if (bad != std::errc{} || end != text.data() + text.size() || !(serial >= 0 && serial <= last_day)) return {};
    using namespace std::chrono;
    seconds const since{std::llround(serial * 86'400)};
    if (serial < 1) return fmt::format("{:02}:{:02}:{:02}", since.count() / 3600, since.count() / 60 % 60, since.count() % 60);
    if (!since_1904 && serial < first_sure_day) return {};
    sys_days const origin = since_1904 ? sys_days{year{1904} / 1 / 1} : sys_days{year{1899} / 12 / 30};
    auto const day = floor<days>(origin + since);
    year_month_day const date{day};
    hh_mm_ss const time{origin + since - day};
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace marrowlink
