#include "drivers/softmax/plate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/plate_shape.hpp"

namespace marrowlink::softmax {

namespace {

constexpr std::size_t first_value = 2;    // before it: time, temperature
constexpr std::size_t parting_cells = 3;  // a line with no more, all empty, parts readings

struct Mode {
    std::string_view name, unit;
    std::size_t shift;  // of the cells from 6 on
    std::size_t first_row_at;
    bool excites;
};
constexpr Mode modes[] = {{"Absorbance", "OD", 0, 19, false}, {"Luminescence", "RLU", 0, 28, false}, {"Fluorescence", "RFU", 1, 29, true}};
constexpr std::string_view words[] = {"#SAT", "#Low", "Range?", "Path?", "Masked", "NaN"};

struct Head {
    std::string name;
    bool by_time = false, kinetic = false;
    Mode mode{};
    std::uint32_t readings = 0, first_row = 0, rows = 0;
    PlateShape shape{};
    std::vector<std::string> wavelengths, excitations;
};

class Plate {
 public:
    Plate(Block const& block, Findings& findings) : block_(block), findings_(findings) {}

    Result<void> read() {
        if (auto done = read_head(); !done) return done;
        std::size_t const before = findings_.readings.size();
        auto const done = head_.by_time ? by_time() : by_plate();
        if (!done) return done;
        if (findings_.readings.size() == before) return wrong(0, "the plate has no reading");
        if (taken_ < head_.readings)
            findings_.notes.push_back(
                fmt::format("{}: {} readings announced, {} written: the run was stopped early.", head_.name, head_.readings, taken_));
        return {};
    }

 private:
    tl::unexpected<Error> wrong(std::size_t line, std::string const& why) const {
        return fail(Fault::refused, fmt::format("Plate {}, line {}: {}.", in_quotes(head_.name), block_.first_line + line, why));
    }

    Result<void> split(std::size_t line) { return split_cells(block_.lines[line].text, cells_); }
    std::string_view cell(std::size_t at) const { return at < cells_.size() ? cells_[at] : std::string_view{}; }
    bool parts() const {
        return cells_.size() <= parting_cells && std::all_of(cells_.begin(), cells_.end(), [](auto one) { return one.empty(); });
    }

    Result<std::uint32_t> number(std::size_t at, std::string_view what, std::uint32_t most) const {
        std::string_view const text = cell(at);
        std::uint32_t value = 0;
        auto const [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (bad != std::errc{} || end != text.data() + text.size() || value == 0 || value > most)
            return wrong(0, fmt::format("{} is {}, expected 1 to {}", what, in_quotes(text), most));
        return value;
    }
    Result<std::vector<std::string>> list(std::size_t at, std::string_view what, std::size_t count) const {
        std::vector<std::string> out;
        std::string_view text = cell(at);
        while (!(text = trimmed(text)).empty()) {
            std::size_t const end = std::min(text.find(' '), text.size());
            auto const one = text.substr(0, end);
            if (!decimal_of(one)) return wrong(0, fmt::format("the {} {} is no number", what, in_quotes(one)));
            out.emplace_back(one);
            text.remove_prefix(end);
        }
        if (out.size() != count)
            return wrong(0, fmt::format("{} wavelengths are announced and {} {}s are listed", count, out.size(), what));
        return out;
    }

    Result<void> read_head() {
        if (auto done = split(0); !done) return done;
        head_.name = cell(1);
        if (cell(2) != "1.3") return wrong(0, fmt::format("the export's version is {}, expected 1.3", in_quotes(cell(2))));
        if (cell(3) != "PlateFormat" && cell(3) != "TimeFormat")
            return wrong(0, fmt::format("the format is {}, expected PlateFormat or TimeFormat", in_quotes(cell(3))));
        head_.by_time = cell(3) == "TimeFormat";
        if (cell(4) != "Endpoint" && cell(4) != "Kinetic")
            return wrong(0, fmt::format("the read is {}, known here are Endpoint and Kinetic", in_quotes(cell(4))));
        head_.kinetic = cell(4) == "Kinetic";
        auto const mode = std::find_if(std::begin(modes), std::end(modes), [&](Mode const& one) { return one.name == cell(5); });
        if (mode == std::end(modes))
            return wrong(0, fmt::format("the mode is {}, known here are Absorbance, Luminescence and Fluorescence", in_quotes(cell(5))));
        head_.mode = *mode;
        std::size_t const shift = mode->shift;
        if (cell(6 + shift) != "Raw") return wrong(0, fmt::format("the data are {}, expected Raw", in_quotes(cell(6 + shift))));
        auto const readings = number(8 + shift, "the number of readings", 100'000);
        if (!readings) return fail(readings.error());
        head_.readings = *readings;
        if (!head_.kinetic && head_.readings != 1) return wrong(0, fmt::format("an endpoint of {} readings", head_.readings));
        auto const count = number(14 + shift, "the number of wavelengths", wavelengths_max);
        if (!count) return fail(count.error());
        auto listed = list(15 + shift, "wavelength", *count);
        if (!listed) return fail(listed.error());
        head_.wavelengths = *std::move(listed);
        if (mode->excites) {
            auto excitations = list(20, "excitation wavelength", *count);
            if (!excitations) return fail(excitations.error());
            head_.excitations = *std::move(excitations);
        }
        auto const wells = number(18 + shift, "the number of wells", 1'536);
        if (!wells) return fail(wells.error());
        auto const shape = plate_shape(*wells);
        if (!shape) return wrong(0, fmt::format("a plate of {} wells is not known here", *wells));
        head_.shape = *shape;
        auto const first_row = number(mode->first_row_at, "the first row", shape->rows);
        if (!first_row) return fail(first_row.error());
        auto const rows = number(mode->first_row_at + 1, "the number of rows", rows_max);
        if (!rows) return fail(rows.error());
        head_.first_row = *first_row;
        head_.rows = std::min(*rows, shape->rows - *first_row + 1);  // six wells were exported as eight rows
        again_ = !findings_.plates.insert(head_.name).second;
        return {};
    }

    Result<void> keep(std::size_t line, std::uint32_t row, std::uint32_t column, std::size_t wavelength, std::string const& time_s,
                      std::string_view text) {
        if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
        if (text.empty()) return {};
        Reading reading;
        reading.well = well_name(row, column);
        bool const word = std::find(std::begin(words), std::end(words), text) != std::end(words);
        auto const value = decimal_of(text);
        if (!value && !word)
            return wrong(line, fmt::format("well {}: {} is neither a number nor a word known here (#SAT, #Low, Range?, Path?, Masked, NaN)",
                                           reading.well, in_quotes(text)));
        if (findings_.readings.size() == readings_max) return wrong(line, fmt::format("more than {} readings", readings_max));
        if (value) findings_.separator.see(*value, text, block_.first_line + line);
        reading.plate = head_.name;
        reading.read = head_.mode.name;
        if (head_.wavelengths.size() > 1) reading.read += fmt::format(" {} of {}", wavelength + 1, head_.wavelengths.size());
        if (again_) reading.read += fmt::format(", block in line {}", block_.first_line);
        reading.time_s = time_s;
        reading.wavelength_nm = head_.wavelengths[wavelength];
        if (head_.mode.excites) reading.excitation_nm = head_.excitations[wavelength];
        reading.unit = head_.mode.unit;
        (value ? reading.value : reading.flag) = text;
        findings_.readings.push_back(std::move(reading));
        return {};
    }

    // Seconds, of M:SS, H:MM:SS or D.HH:MM:SS; an endpoint has none.
    Result<std::string> time_s(std::size_t line) const {
        std::string_view const text = cell(0);
        if (!head_.kinetic) {
            if (!text.empty()) return wrong(line, fmt::format("{} stands in an endpoint's time", in_quotes(text)));
            return std::string{};
        }
        auto const bad = [&] { return wrong(line, fmt::format("{} is no time (M:SS, H:MM:SS or D.HH:MM:SS)", in_quotes(text))); };
        bool const days = text.find('.') != std::string_view::npos;
        std::uint64_t total = 0;
        std::size_t count = 0;
        for (std::size_t at = 0;; ++at) {
            std::size_t const digits = digits_from(text, at);
            if (digits == 0 || digits > 5 || (count > 0 && digits != 2) || count == 4) return bad();
            std::uint64_t part = 0;
            std::from_chars(text.data() + at, text.data() + at + digits, part);
            std::uint64_t const of_the_one_before = days && count == 1 ? 24 : 60;
            if (count > 0 && part >= of_the_one_before) return bad();
            total = total * of_the_one_before + part;
            ++count;
            at += digits;
            if (at == text.size()) break;
            if (text[at] != (days && count == 1 ? '.' : ':')) return bad();
        }
        if (count < 2 || (count == 4) != days) return bad();
        return std::to_string(total);
    }

    // The line behind the head: time, temperature, then what the columns are.
    Result<void> read_heading() {
        if (block_.lines.size() < 2) return wrong(0, "there is no table");
        if (auto done = split(1); !done) return done;
        if (!cell(1).starts_with("Temperature"))
            return wrong(1, fmt::format("{} stands where the heading Temperature is expected", in_quotes(cell(1))));
        return {};
    }

    void note_reduced(std::size_t line) {
        findings_.notes.push_back(fmt::format("{}: the reduced values in line {} were left out.", head_.name, block_.first_line + line));
    }

    // 1 … C for each wavelength with an empty cell between; more sets than wavelengths are reduced values.
    Result<void> check_columns() {
        std::size_t at = first_value;
        for (; sets_ == 0 || (at < cells_.size() && cell(at) == "1"); at += head_.shape.columns + 1, ++sets_)
            for (std::uint32_t column = 1; column <= head_.shape.columns; ++column)
                if (cell(at + column - 1) != std::to_string(column))
                    return wrong(1, fmt::format("{} stands where column {} is expected", in_quotes(cell(at + column - 1)), column));
        if (sets_ < head_.wavelengths.size())
            return wrong(1, fmt::format("{} wavelengths are announced and {} have columns", head_.wavelengths.size(), sets_));
        if (sets_ > head_.wavelengths.size())
            findings_.notes.push_back(fmt::format("{}: the reduced values at the right were left out.", head_.name));
        return {};
    }

    Result<void> by_plate() {
        if (auto done = read_heading(); !done) return done;
        if (auto done = check_columns(); !done) return done;
        for (std::size_t line = 2; line < block_.lines.size();) {
            if (auto done = split(line); !done) return done;
            if (parts()) {
                ++line;
                continue;
            }
            bool const reduced = head_.kinetic ? cell(0).empty() : taken_ == 1;
            if (reduced) {
                if (taken_ == 0) return wrong(line, "a reading without its time");
                note_reduced(line);
                return {};
            }
            if (taken_ == head_.readings) return wrong(line, fmt::format("a reading more than the {} announced", head_.readings));
            auto const time = time_s(line);
            if (!time) return fail(time.error());
            std::size_t end = line + 1;
            while (end < block_.lines.size() && end - line < head_.shape.rows) {
                if (auto done = split(end); !done) return done;
                if (parts() || !cell(0).empty()) break;
                ++end;
            }
            std::size_t const rows = end - line;
            if (rows != head_.shape.rows && rows != head_.rows)
                return wrong(end - 1, fmt::format("a row of the plate is missing: {} rows stand there, expected {}", rows, head_.rows));
            std::uint32_t const first_row = rows == head_.shape.rows ? 1 : head_.first_row;
            for (std::size_t r = 0; r < rows; ++r)
                if (auto done = row(line + r, first_row + static_cast<std::uint32_t>(r), *time); !done) return done;
            ++taken_;
            line = end;
        }
        return {};
    }

    Result<void> row(std::size_t line, std::uint32_t row, std::string const& time_s) {
        if (auto done = split(line); !done) return done;
        std::size_t const set_cells = head_.shape.columns + 1;
        for (std::size_t set = 0; set < head_.wavelengths.size(); ++set) {
            std::size_t const at = first_value + set * set_cells;
            for (std::uint32_t column = 1; column <= head_.shape.columns; ++column)
                if (auto done = keep(line, row, column, set, time_s, cell(at + column - 1)); !done) return done;
            if (auto const gap = cell(at + head_.shape.columns); !gap.empty())
                return wrong(line, fmt::format("{} stands behind column {}", in_quotes(gap), head_.shape.columns));
        }
        for (std::size_t at = first_value + sets_ * set_cells; at < cells_.size(); ++at)
            if (!cells_[at].empty()) return wrong(line, fmt::format("{} stands behind the last column", in_quotes(cells_[at])));
        return {};
    }

    Result<void> by_time() {
        if (auto done = read_heading(); !done) return done;
        std::vector<std::pair<std::uint32_t, std::uint32_t>> places;
        std::set<std::pair<std::uint32_t, std::uint32_t>> seen;
        for (std::size_t at = first_value; at < cells_.size() && !cells_[at].empty(); ++at) {
            auto const place = well_place(cells_[at]);
            if (!place || place->first > head_.shape.rows || place->second > head_.shape.columns)
                return wrong(1, fmt::format("{} is no well of this plate", in_quotes(cells_[at])));
            if (!seen.insert(*place).second) return wrong(1, fmt::format("the well {} has two columns", cells_[at]));
            places.push_back(*place);
        }
        std::string const first_well{cell(first_value)};
        std::size_t line = 2;
        for (std::size_t wavelength = 0; wavelength < head_.wavelengths.size(); ++wavelength) {
            std::uint32_t taken = 0;
            for (; line < block_.lines.size(); ++line) {
                if (auto done = split(line); !done) return done;
                if (parts()) {
                    if (taken > 0) break;
                    continue;
                }
                if (cell(first_value) == first_well) break;  // the heading of reduced values
                if (taken == head_.readings) return wrong(line, fmt::format("a reading more than the {} announced", head_.readings));
                auto const time = time_s(line);
                if (!time) return fail(time.error());
                for (std::size_t i = 0; i < places.size(); ++i)
                    if (auto done = keep(line, places[i].first, places[i].second, wavelength, *time, cell(first_value + i)); !done)
                        return done;
                for (std::size_t at = first_value + places.size(); at < cells_.size(); ++at)
                    if (!cells_[at].empty()) return wrong(line, fmt::format("{} stands behind the last well", in_quotes(cells_[at])));
                ++taken;
            }
            if (taken == 0) return wrong(line, fmt::format("the readings at {} nm are missing", head_.wavelengths[wavelength]));
            if (wavelength > 0 && taken != taken_)
                return wrong(line, fmt::format("{} readings at {} nm, {} at the others", taken, head_.wavelengths[wavelength], taken_));
            taken_ = taken;
        }
        for (; line < block_.lines.size(); ++line) {
            if (auto done = split(line); !done) return done;
            if (parts()) continue;
            if (cell(first_value) != first_well)
                return wrong(line, fmt::format("{} is not expected behind the readings", in_quotes(block_.lines[line].text)));
            note_reduced(line);
            break;
        }
        return {};
    }

    Block const& block_;
    Findings& findings_;
    Head head_;
    std::vector<std::string_view> cells_;
    std::size_t sets_ = 0;
    std::uint32_t taken_ = 0;  // readings of each wavelength
    bool again_ = false;       // a plate of this name was there before
};

}  // namespace

Result<void> read_plate(Block const& block, Findings& findings) { return Plate{block, findings}.read(); }

}  // namespace marrowlink::softmax
