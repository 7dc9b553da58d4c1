#include "drivers/biotek/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/plate_shape.hpp"
#include "drivers/biotek/protocol.hpp"
#include "drivers/decimal.hpp"

namespace marrowlink::biotek {

namespace {

constexpr std::string_view head = "01,1,\r";
constexpr std::string_view row_break = "\r\n";
constexpr char sub = 0x1A, etx = 0x03;

tl::unexpected<Error> refuse(std::string message) { return fail(Fault::refused, std::move(message)); }

// The text before `end`, which is taken too; nothing when it does not come.
std::optional<std::string_view> take(std::string_view& rest, std::string_view end) {
    std::size_t const at = rest.find(end);
    if (at == std::string_view::npos) return {};
    std::string_view const out = rest.substr(0, at);
    rest.remove_prefix(at + end.size());
    return out;
}

std::optional<unsigned> number_of(std::string_view text, std::size_t digits_max) {
    unsigned out = 0;
    if (text.empty() || digits_from(text, 0) != text.size() || text.size() > digits_max) return {};
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

class Reader {
 public:
    explicit Reader(std::string_view rows) : rest_(rows) {}

    Result<std::vector<Reading>> read() {
        while (!rest_.empty()) {
            auto row = rest_.substr(0, rest_.find(row_break));
            rest_.remove_prefix(std::min(row.size() + row_break.size(), rest_.size()));
            // All rows but the first begin with a comma.
            if (row_ != 0 && !row.starts_with(','))
                return refuse(fmt::format("Behind row {} a comma was expected at the line's beginning.", row_));
            if (row_ != 0) row.remove_prefix(1);
            if (auto const taken = read_row(row); !taken) return fail(taken.error());
        }
        if (out_.empty()) return refuse("The plate holds no well.");
        return std::move(out_);
    }

 private:
    Result<void> read_row(std::string_view row) {
        unsigned column_before = 0;
        int direction = 0;
        bool is_first = true;
        while (!row.empty() || is_first) {
            auto const row_text = take(row, ","), column_text = take(row, ",");
            if (!row_text || !column_text) return refuse(fmt::format("Behind {} a row, a column and a value were expected.", place_));
            std::string_view const value = row.substr(0, row.find(','));
            row.remove_prefix(std::min(value.size() + 1, row.size()));
            auto const number = number_of(*row_text, 2), column = number_of(*column_text, 2);
            if (!number || !column || *number == 0 || *column == 0 || *number > rows_max || *column > columns_max)
                return refuse(fmt::format("Behind {} no row and column of a plate stand.", place_));
            if (is_first ? *number <= row_ : *number != row_)
                return refuse(fmt::format("Behind {} comes row {}; rows come one a line, in their order.", place_, *number));
            int const turn = *column > column_before ? 1 : *column < column_before ? -1 : 0;
            if (!is_first && (turn == 0 || (direction != 0 && turn != direction)))
                return refuse(fmt::format("Behind {} comes column {}; a row's columns come in one direction.", place_, *column));
            direction = is_first ? 0 : turn;
            is_first = false;
            row_ = *number;
            column_before = *column;
            if (auto const taken = read_well(*column, value); !taken) return taken;
        }
        return {};
    }

    Result<void> read_well(unsigned column, std::string_view value) {
        Reading reading;
        reading.well = well_name(row_, column);
        place_ = reading.well;
        if (value.find('*') != std::string_view::npos && value.find_first_not_of("*+-.0123456789") == std::string_view::npos) {
            reading.flag = value;
            out_.push_back(std::move(reading));
            return {};
        }
        auto const number = decimal_of(value);
        bool const is_signed = !value.empty() && (value[0] == '+' || value[0] == '-');
        bool const density = is_signed && number && number->separator == '.' && value.find_first_of("eE") == std::string_view::npos;
        bool const counts = !is_signed && number && digits_from(value, 0) == value.size();
        if (!density && !counts)
            return refuse(fmt::format("Well {} holds no value of a known form; expected \"+0.1917\", \"0000043\" or asterisks.", place_));
        if (unit_known_ && density != densities_)
            return refuse(fmt::format("Well {} holds a value of another form than the wells before it.", place_));
        unit_known_ = true;
        densities_ = density;
        reading.value = value;
        if (density) reading.unit = "OD";
        out_.push_back(std::move(reading));
        return {};
    }

    std::string_view rest_;
    std::vector<Reading> out_;
    std::string place_ = "the head";
    unsigned row_ = 0;
    bool unit_known_ = false, densities_ = false;
};

}  // namespace

Result<Document> parse(std::string_view bytes) {
    if (!bytes.starts_with(head) || !plate_begins(bytes))
        return refuse("The plate does not begin with \"01,1,\", a carriage return and a time as in \"000:00:00.0\".");
    std::string_view const summed = bytes.substr(head.size(), bytes.find(sub) + 1 - head.size());
    std::string_view rest = bytes.substr(head.size());
    auto const time = take(rest, ","), before = take(rest, ",");
    std::size_t const last_break = rest.substr(0, rest.find(sub)).rfind(row_break);
    if (!time || !before || !number_of(*before, 3) || last_break == std::string_view::npos)
        return refuse("The plate's head or its last line is not there.");
    std::string_view const rows = rest.substr(0, last_break);
    rest.remove_prefix(last_break + row_break.size());
    auto const after = take(rest, std::string_view{&sub, 1}), sum_text = take(rest, std::string_view{&sub, 1}),
               status = take(rest, std::string_view{&etx, 1});
    if (!after || !sum_text || !status || !rest.empty() || !number_of(*after, 3)) return refuse("The plate's last line is not whole.");
    unsigned sum = 0;
    for (unsigned char const c : summed) sum += c;
    auto const said = number_of(*sum_text, 3);
    if (!said || *said != sum % 256)
        return refuse(
            fmt::format("The plate's bytes sum up to {}, and the reader says {}.", sum % 256, said ? std::to_string(*said) : "no number"));
    if (*status != "0000") return refuse(fmt::format("The reader ended the plate with {}.", words_of(*status)));
    if (rows.find(':') != std::string_view::npos) return refuse("The plate holds several times; kinetic reads are not known well enough.");
    auto readings = Reader{rows}.read();
    if (!readings) return fail(readings.error());
    Document out;
    out.format = "biotek";
    out.readings = *std::move(readings);
    out.notes.push_back(fmt::format("The reader's own time was {}; it wrote {} before and {} behind the plate.", *time, *before, *after));
    out.notes.emplace_back("The reader names neither plate nor assay nor date: label the run.");
    return out;
}

}  // namespace marrowlink::biotek
