#include "drivers/magellan/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "drivers/decimal.hpp"
#include "drivers/plate_block.hpp"
#include "drivers/text_table.hpp"
#include "drivers/workbook.hpp"

namespace marrowlink {

namespace magellan {

namespace {

constexpr std::string_view sheet_name = "Magellan Sheet", wells_heading = "Well positions", plate_heading = "Plate";
constexpr std::string_view date_key = "Date of measurement: ", time_key = "/Time of measurement: ", serial_key = "Instrument serial number",
                           temperature_key = "Meas. temperature", mode_key = "Measurement mode", wavelength_key = "Measurement wavelength",
                           plate_file_key = "Plate definition file", unit_key = "Unit";

// "Key: value"; an empty key: none.
std::pair<std::string_view, std::string_view> field_of(std::string_view line) {
    std::size_t const colon = line.find(": ");
    if (colon == std::string_view::npos) return {};
    return {line.substr(0, colon), trimmed(line.substr(colon + 1))};
}

// "Measurement 2:" above the settings of the second.
bool is_number_of_settings(std::string_view line) {
    constexpr std::string_view before = "Measurement ";
    if (!line.starts_with(before)) return false;
    std::size_t const digits = digits_from(line, before.size());
    std::string_view const rest = line.substr(before.size() + digits);
    return digits > 0 && (rest.empty() || rest == ":" || rest == ".");
}

struct Settings {
    std::string label;  // of its column
    std::string wavelength_nm;
    std::uint32_t column = 0;
};

class Export {
 public:
    Export(Workbook const& book, std::string_view bytes) : book_(book), bytes_(bytes), sheet_(book.sheets().front()) {}

    Result<Document> read() {
        for (Sheet const& other : book_.sheets().subspan(1))
            if (!other.cells.empty())
                return fail(Fault::refused, fmt::format("Sheet {}: a second sheet with values is not known here.", in_quotes(other.name)));
        if (auto done = read_heading(); !done) return fail(std::move(done.error()));
        std::uint32_t last = 1;
        while (last < sheet_.rows() && !sheet_.text(last + 1, 1).starts_with(date_key)) ++last;
        if (last == sheet_.rows())
            return fail(Fault::refused, fmt::format("Sheet {}: no line begins with {}.", in_quotes(sheet_.name), in_quotes(date_key)));
        at_ = last + 1;
        if (auto done = read_lines(); !done) return fail(std::move(done.error()));
        if (auto done = match_columns(); !done) return fail(std::move(done.error()));
        if (auto done = find_plate(last); !done) return fail(std::move(done.error()));
        for (std::uint32_t row = 2; row <= last; ++row)
            if (auto done = read_well(row); !done) return fail(std::move(done.error()));
        if (document_.readings.empty()) return wrong(2, 1, "there is no measured value");
        document_.format = "tecan-magellan";
        document_.plate = document_.readings.front().plate;
        document_.identity = fmt::format("magellan:{}|{}|{}", serial_, document_.started, document_.plate);
        document_.name_bearing = book_.name_bearing(bytes_, names_);
        return std::move(document_);
    }

 private:
    tl::unexpected<Error> wrong(std::uint32_t row, std::uint32_t column, std::string const& why) const {
        return wrong_cell(sheet_, row, column, why);
    }

    Result<void> read_heading() {
        std::set<std::string_view> seen;
        for (Cell const& cell : sheet_.row(1)) {
            std::string_view const name = trimmed(cell.text);
            if (!seen.insert(name).second) return wrong(1, cell.column, fmt::format("there is a second column {}", in_quotes(name)));
            if (name == wells_heading)
                wells_ = cell.column;
            else if (name == plate_heading)
                plates_ = cell.column;
            else
                columns_[std::string{name}] = cell.column;
        }
        if (wells_ == 0) return wrong(1, 1, fmt::format("the list has no well positions: there is no column {}", in_quotes(wells_heading)));
        return {};
    }

    // A line below the list, alone in its row; `at_` goes behind it.
    Result<std::string_view> line(std::string_view expected) {
        auto const cells = sheet_.row(at_);
        if (cells.empty()) return wrong(at_, 1, fmt::format("expected {}", expected));
        if (cells.size() > 1 || cells.front().column != 1)
            return wrong(at_, cells.back().column, fmt::format("{} stands beside the lines below the list", in_quotes(cells.back().text)));
        ++at_;
        return trimmed(cells.front().text);
    }

    Result<void> read_lines() {
        auto const first = line("the date");
        if (!first) return fail(first.error());
        std::string_view const when = first->substr(date_key.size());
        std::size_t const slash = when.find(time_key);
        if (slash == std::string_view::npos) return wrong(at_ - 1, 1, fmt::format("{} is no date and time", in_quotes(when)));
        document_.started = fmt::format("{} {}", when.substr(0, slash), when.substr(slash + time_key.size()));
        // Files, paths, wavelengths, who was logged on and the instrument's name, without a word of which is which.
        for (;;) {
            auto const one = line(serial_key);
            if (!one) return fail(one.error());
            auto const [key, value] = field_of(*one);
            if (key == serial_key) {
                serial_ = value;
                break;
            }
            names_.push_back({&sheet_.row(at_ - 1).front(), "-"});
        }
        std::vector<Settings> settings;
        while (!sheet_.text(at_, 1).starts_with(temperature_key)) {
            auto one = read_settings();
            if (!one) return fail(std::move(one.error()));
            settings.push_back(*std::move(one));
        }
        for (Settings& one : settings) {
            auto const text = line("a temperature for each measurement");
            if (!text) return fail(text.error());
            auto const [key, value] = field_of(*text);
            std::size_t const colon = value.rfind(": ");
            if (key != temperature_key || colon == std::string_view::npos)
                return wrong(at_ - 1, 1, fmt::format("{} stands where {} is expected", in_quotes(*text), in_quotes(temperature_key)));
            one.label = value.substr(0, colon);
            settings_.push_back(one);
        }
        // When it was exported.
        if (sheet_.text(at_, 1).starts_with("Date: "))
            if (auto const done = line("a date"); !done) return fail(done.error());
        if (at_ <= sheet_.rows()) return wrong(at_, 1, fmt::format("{} is not known here", in_quotes(sheet_.text(at_, 1))));
        return {};
    }

    // As far as "Unit: OD".
    Result<Settings> read_settings() {
        Settings settings;
        bool absorbance = false;
        for (bool first = true;; first = false) {
            auto const text = line(unit_key);
            if (!text) return fail(text.error());
            if (first && is_number_of_settings(*text)) continue;
            auto const [key, value] = field_of(*text);
            if (key.empty()) return wrong(at_ - 1, 1, fmt::format("{} is no setting", in_quotes(*text)));
            if (key == mode_key) {
                absorbance = value == "Absorbance";
                if (!absorbance) return wrong(at_ - 1, 1, fmt::format("the mode is {}, known here is Absorbance", in_quotes(value)));
            } else if (key == wavelength_key) {
                std::size_t const digits = digits_from(value, 0);
                if (digits == 0 || digits > 4 || value.substr(digits) != " nm")
                    return wrong(at_ - 1, 1, fmt::format("{} is no wavelength", in_quotes(value)));
                settings.wavelength_nm = value.substr(0, digits);
            } else if (key == plate_file_key) {
                plate_file_ = value.substr(0, value.find('.'));
            } else if (key == unit_key) {
                if (value != "OD") return wrong(at_ - 1, 1, fmt::format("the unit is {}, expected OD", in_quotes(value)));
                if (!absorbance || settings.wavelength_nm.empty())
                    return wrong(at_ - 1, 1, "the settings above name no mode, or no wavelength");
                return settings;
            }
        }
    }

    Result<void> match_columns() {
        if (settings_.empty()) return wrong(at_ - 1, 1, "there are no settings of a measurement");
        for (Settings& one : settings_) {
            auto const found = columns_.find(one.label);
            if (found == columns_.end()) return wrong(1, 1, fmt::format("there is no column {}", in_quotes(one.label)));
            one.column = found->second;
            columns_.erase(found);
        }
        for (auto const& [name, column] : columns_)
            document_.notes.push_back(fmt::format("The column {} was left out: no setting belongs to it.", in_quotes(name)));
        return {};
    }

    // Where a row names no plate, it is of the one that others name; of none, the plate is called as its definition.
    Result<void> find_plate(std::uint32_t last) {
        if (plates_ == 0) {
            plate_ = plate_file_;
            document_.notes.push_back("The list names no plate; it is called by the file that defines it.");
            return {};
        }
        std::uint32_t without = 0;
        for (std::uint32_t row = 2; row <= last; ++row) {
            Cell const* const cell = sheet_.at(row, plates_);
            if (cell == nullptr) {
                if (without == 0) without = row;
                continue;
            }
            std::string_view const name = trimmed(cell->text);
            if (cell->kind != CellKind::text && (cell->kind != CellKind::number || digits_from(name, 0) != name.size()))
                return wrong(row, plates_, fmt::format("{} is no name of a plate", in_quotes(name)));
            if (plate_.empty()) plate_ = name;
            several_ = several_ || plate_ != name;
        }
        if (several_ && without != 0) return wrong(without, plates_, "the row names no plate, and others name several");
        if (without != 0)
            document_.notes.push_back(
                fmt::format("Rows from {} on name no plate; they are taken for {}, the only one named.", without, in_quotes(plate_)));
        return {};
    }

    Result<void> read_well(std::uint32_t row) {
        auto const cells = sheet_.row(row);
        if (cells.empty()) return {};
        std::string const name{sheet_.text(row, wells_)};
        auto const place = well_place(name);
        if (!place || well_name(place->first, place->second) != name)
            return wrong(row, wells_, name.empty() ? "the well's position is missing" : fmt::format("{} is no well", in_quotes(name)));
        std::string const plate{several_ ? sheet_.text(row, plates_) : std::string_view{plate_}};
        for (Cell const& cell : cells)
            if (cell.column != wells_ && cell.column != plates_ && sheet_.at(1, cell.column) == nullptr)
                return wrong(row, cell.column, fmt::format("{} stands below no heading", in_quotes(cell.text)));
        if (!seen_.insert({plate, name}).second)
            return wrong(row, wells_, fmt::format("well {} of plate {} stands there twice", name, in_quotes(plate)));
        for (Settings const& one : settings_) {
            Cell const* const cell = sheet_.at(row, one.column);
            if (cell == nullptr) continue;
            auto reading = reading_of(sheet_, *cell, name);
            if (!reading) return fail(std::move(reading.error()));
            reading->plate = plate;
            reading->read = one.label;
            reading->wavelength_nm = one.wavelength_nm;
            reading->unit = "OD";
            document_.readings.push_back(*std::move(reading));
        }
        return {};
    }

    Workbook const& book_;
    std::string_view bytes_;
    Sheet const& sheet_;
    std::uint32_t at_ = 1, wells_ = 0, plates_ = 0;              // row; columns, 0: none
    std::map<std::string, std::uint32_t, std::less<>> columns_;  // all others
    std::vector<Settings> settings_;
    std::string serial_, plate_file_, plate_;
    bool several_ = false;  // plates
    std::set<std::pair<std::string, std::string>> seen_;
    std::vector<NamedCell> names_;
    Document document_;
};

Result<Document> read(std::string_view bytes) {
    auto const book = Workbook::read(bytes);
    if (!book) return fail(book.error());
    if (book->sheets().empty()) return fail(Fault::refused, "The workbook has no sheet.");
    return Export{*book, bytes}.read();
}

bool recognises(std::string_view bytes) {
    Workbook const head = Workbook::head(bytes);
    if (head.sheets().empty()) return false;
    Sheet const& first = head.sheets().front();
    auto const heading = first.row(1);
    return first.name.starts_with(sheet_name) ||
           std::any_of(heading.begin(), heading.end(), [](Cell const& one) { return trimmed(one.text) == wells_heading; });
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "Magellan workbook"); }

}  // namespace

}  // namespace magellan

ExportFormat const& magellan_format() {
    static constexpr ExportFormat format{"tecan-magellan",       "Tecan Magellan workbook", magellan::recognises,
                                         magellan::completeness, magellan::parse,           nullptr};
    return format;
}

}  // namespace marrowlink
