#include "drivers/smartcontrol/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "drivers/decimal.hpp"
#include "drivers/plate_block.hpp"
#include "drivers/text_table.hpp"
#include "drivers/workbook.hpp"

namespace marrowlink {

namespace smartcontrol {

namespace {

constexpr std::string_view plate_sheet = "Microplate End point", table_sheet = "Table End point", protocol_sheet = "Protocol Information";
constexpr std::string_view raw_data = "Raw Data (";
constexpr std::string_view keys[] = {"User", "Path", "Test ID", "Test Name", "Date", "Time", "ID1", "ID2", "ID3"};
constexpr std::string_view needed_keys[] = {"Test ID", "Test Name", "Date", "Time"};
constexpr std::string_view name_bearing_keys[] = {"User", "Path"};
constexpr std::uint32_t head_rows_max = 24;  // the head ends before

struct Technique {
    std::string_view name, unit;
};
constexpr Technique techniques[] = {{"Fluorescence (FI)", "RFU"}, {"Luminescence", "RLU"}, {"Absorbance", "OD"}};

// "Key: value"; an empty key: neither.
std::pair<std::string_view, std::string_view> field_of(std::string_view cell) {
    for (std::string_view const key : keys)
        if (cell.starts_with(key) && cell.substr(key.size()).starts_with(':')) return {key, trimmed(cell.substr(key.size() + 1))};
    return {};
}

// "4. Raw Data (480-14/520-30)" without its number; empty: no title of a section.
std::string_view title_of(std::string_view cell) {
    std::size_t const digits = digits_from(cell, 0);
    return digits > 0 && cell.substr(digits).starts_with(". ") ? trimmed(cell.substr(digits + 1)) : std::string_view{};
}

// "480-14" or "480": the middle of a band, and its width; empty: neither.
std::string_view wavelength_of(std::string_view band) {
    std::size_t const digits = digits_from(band, 0);
    if (digits != 3 && digits != 4) return {};
    std::string_view const width = band.substr(digits);
    if (!width.empty() && (width[0] != '-' || width.size() == 1 || digits_from(width, 1) != width.size() - 1)) return {};
    return band.substr(0, digits);
}

struct Head {
    std::map<std::string_view, std::string> fields;
    Technique const* technique = nullptr;
    friend bool operator==(Head const&, Head const&) = default;
};

class Export {
 public:
    Export(Workbook const& book, std::string_view bytes) : book_(book), bytes_(bytes) {}

    Result<Document> read() {
        Sheet const* plates = nullptr;
        Sheet const* table = nullptr;
        for (Sheet const& sheet : book_.sheets()) {
            if (sheet.cells.empty()) continue;
            if (sheet.name == plate_sheet)
                plates = &sheet;
            else if (sheet.name == table_sheet)
                table = &sheet;
            else if (sheet.name != protocol_sheet)
                return fail(Fault::refused, fmt::format("Sheet {} is not known here; known are {}, {} and {}.", in_quotes(sheet.name),
                                                        in_quotes(plate_sheet), in_quotes(table_sheet), in_quotes(protocol_sheet)));
            if (auto done = read_head(sheet); !done) return fail(std::move(done.error()));
        }
        if (plates)
            if (auto done = read_plates(*plates); !done) return fail(std::move(done.error()));
        if (table)
            if (auto done = read_table(*table, !plates); !done) return fail(std::move(done.error()));
        if (plates && table)
            if (auto done = compare(*table); !done) return fail(std::move(done.error()));
        document_.readings = plates ? std::move(from_plates_) : std::move(from_table_);
        if (document_.readings.empty()) return fail(Fault::refused, "No sheet of the workbook holds a raw value.");
        return finish();
    }

 private:
    Result<void> read_head(Sheet const& sheet) {
        Head head;
        for (std::uint32_t row = 1; row <= head_rows_max && head.technique == nullptr; ++row) {
            Cell const* const cell = sheet.at(row, 1);
            if (cell == nullptr) continue;
            std::string_view const text = trimmed(cell->text);
            auto const [key, value] = field_of(text);
            if (!key.empty()) {
                if (!head.fields.insert({key, std::string{value}}).second)
                    return wrong_cell(sheet, row, 1, fmt::format("there is a second field {}", in_quotes(key)));
                if (std::find(std::begin(name_bearing_keys), std::end(name_bearing_keys), key) != std::end(name_bearing_keys) &&
                    !value.empty())
                    names_.push_back({cell, fmt::format("{}:", key)});
                continue;
            }
            for (Technique const& one : techniques)
                if (text == one.name) head.technique = &one;
            if (head.technique == nullptr)
                return wrong_cell(
                    sheet, row, 1,
                    fmt::format("{} is no field and no measurement known here; known are Fluorescence (FI), Luminescence and Absorbance",
                                in_quotes(text)));
        }
        for (std::string_view const key : needed_keys)
            if (head.fields[key].empty()) return wrong_cell(sheet, 1, 1, fmt::format("the head has no field {}", in_quotes(key)));
        if (head.technique == nullptr) return wrong_cell(sheet, 1, 1, "no line of the head names the measurement");
        if (head_.technique != nullptr && !(head == head_))
            return wrong_cell(sheet, 1, 1, "the head differs from that of the sheet before: they are of two runs");
        head_ = std::move(head);
        return {};
    }

    // What is common to the readings of one title.
    Result<Reading> common(Sheet const& sheet, std::uint32_t row, std::uint32_t column, std::string_view title) const {
        Reading reading;
        reading.plate = plate();
        reading.read = title;
        reading.unit = head_.technique->unit;
        auto const refuse = [&] {
            return wrong_cell(sheet, row, column,
                              fmt::format("the filter of {} is not known here for {}", in_quotes(title), head_.technique->name));
        };
        if (!title.ends_with(')')) return refuse();
        std::string_view const filter = title.substr(raw_data.size(), title.size() - raw_data.size() - 1);
        bool const fluorescence = reading.unit == "RFU";
        if (filter == "No filter" && !fluorescence) return reading;
        std::size_t const slash = filter.find('/');
        if (fluorescence != (slash != std::string_view::npos)) return refuse();
        reading.wavelength_nm = wavelength_of(fluorescence ? filter.substr(slash + 1) : filter);
        if (fluorescence) reading.excitation_nm = wavelength_of(filter.substr(0, slash));
        if (reading.wavelength_nm.empty() || (fluorescence && reading.excitation_nm.empty())) return refuse();
        return reading;
    }

    static Result<void> append(Sheet const& sheet, Cell const& cell, std::string well, Reading const& common, std::vector<Reading>& to) {
        auto reading = reading_of(sheet, cell, std::move(well));
        if (!reading) return fail(std::move(reading.error()));
        Reading& one = to.emplace_back(common);
        one.well = std::move(reading->well);
        one.value = std::move(reading->value);
        one.flag = std::move(reading->flag);
        return {};
    }

    // Sections with a numbered title in the second column, and below it a plate whose letters stand in the first.
    Result<void> read_plates(Sheet const& sheet) {
        std::map<std::string_view, std::uint32_t> titles;
        for (std::uint32_t row = 1; row <= sheet.rows(); ++row) {
            std::string_view const title = title_of(sheet.text(row, 2));
            if (title.empty()) continue;
            if (!titles.insert({title, row}).second)
                return wrong_cell(sheet, row, 2, fmt::format("there is a second section {}", in_quotes(title)));
            if (!title.starts_with(raw_data)) {
                left_out(title);
                continue;
            }
            auto const same = common(sheet, row, 2, title);
            if (!same) return fail(same.error());
            do ++row;
            while (row < sheet.rows() && sheet.row(row).empty());
            auto const block = read_block(sheet, row, 1);
            if (!block) return fail(block.error());
            for (PlateBlock::Well const& well : block->wells)
                if (auto done = append(sheet, *well.cell, well_name(well.row, well.column), *same, from_plates_); !done) return done;
            row = block->end - 1;
        }
        return {};
    }

    // A column a well, and a row for each kind of value.
    Result<void> read_table(Sheet const& sheet, bool alone) {
        std::uint32_t heading = 1;
        while (heading <= sheet.rows() && sheet.text(heading, 1) != "Well") ++heading;
        if (heading > sheet.rows()) return wrong_cell(sheet, 1, 1, "no line begins with \"Well\"");
        std::map<std::uint32_t, std::string> wells;
        std::map<std::string_view, std::uint32_t> seen;
        for (Cell const& cell : sheet.row(heading).subspan(1)) {
            std::string_view const name = trimmed(cell.text);
            auto const place = well_place(name);
            if (!place || !seen.insert({name, 0}).second)
                return wrong_cell(sheet, heading, cell.column,
                                  fmt::format("{} is no well, or one that stands there twice", in_quotes(name)));
            wells[cell.column] = well_name(place->first, place->second);
        }
        // Where no other sheet vouches for the wells, their order does.
        auto const shape = plate_shape(static_cast<std::uint32_t>(wells.size()));
        for (std::uint32_t expected = 0; auto const& [column, name] : wells) {
            if (alone && (!shape || name != well_name(expected / shape->columns + 1, expected % shape->columns + 1)))
                return wrong_cell(
                    sheet, heading, column,
                    fmt::format("the well {} stands where another of a whole plate is expected, and the sheet {} is not there", name,
                                in_quotes(plate_sheet)));
            ++expected;
        }
        seen.clear();
        for (std::uint32_t row = heading + 1; row <= sheet.rows(); ++row) {
            std::string_view const title = sheet.text(row, 1);
            auto const cells = sheet.row(row);
            if (cells.empty()) continue;
            if (!seen.insert({title, row}).second || title.empty())
                return wrong_cell(sheet, row, 1, fmt::format("{} stands there twice, or is no title", in_quotes(title)));
            if (!title.starts_with(raw_data)) {
                left_out(title);
                continue;
            }
            auto const same = common(sheet, row, 1, title);
            if (!same) return fail(same.error());
            for (Cell const& cell : cells.subspan(1)) {
                auto const well = wells.find(cell.column);
                if (well == wells.end())
                    return wrong_cell(sheet, row, cell.column, fmt::format("{} stands below no well", in_quotes(cell.text)));
                if (auto done = append(sheet, cell, well->second, *same, from_table_); !done) return done;
            }
        }
        return {};
    }

    // The same values twice in one file: each vouches for the other.
    Result<void> compare(Sheet const& table) const {
        std::map<std::pair<std::string_view, std::string_view>, Reading const*> known;
        for (Reading const& one : from_plates_) known[{one.read, one.well}] = &one;
        for (Reading const& one : from_table_) {
            auto const found = known.find({one.read, one.well});
            if (found == known.end() || !(*found->second == one))
                return fail(Fault::refused,
                            fmt::format("Sheet {} says {} of well {} in {}, sheet {} says {}.", in_quotes(table.name),
                                        in_quotes(one.value + one.flag), one.well, in_quotes(one.read), in_quotes(plate_sheet),
                                        found == known.end() ? "nothing" : in_quotes(found->second->value + found->second->flag)));
        }
        if (from_table_.size() != from_plates_.size())
            return fail(Fault::refused, fmt::format("Sheet {} has {} raw values, sheet {} has {}.", in_quotes(table.name),
                                                    from_table_.size(), in_quotes(plate_sheet), from_plates_.size()));
        return {};
    }

    void left_out(std::string_view title) {
        std::string note = fmt::format("{} was left out.", in_quotes(title));
        if (std::find(document_.notes.begin(), document_.notes.end(), note) == document_.notes.end())
            document_.notes.push_back(std::move(note));
    }

    std::string field(std::string_view key) const {
        auto const found = head_.fields.find(key);
        return found == head_.fields.end() ? std::string{} : found->second;
    }
    std::string plate() const { return field("ID3").empty() ? field("ID1") : field("ID3"); }

    Document finish() {
        document_.format = "bmg-smart-control";
        document_.plate = plate();
        document_.started = field("Date") + " " + field("Time");
        document_.identity = fmt::format("smart-control:{}|{}|{}|{}|{}", field("Test ID"), document_.started, field("Test Name"),
                                         field("ID1"), field("ID3"));
        for (std::string_view const key : {"ID1", "ID2", "ID3"})
            if (!field(key).empty()) document_.notes.push_back(fmt::format("{} is {}.", key, in_quotes(field(key))));
        document_.name_bearing = book_.name_bearing(bytes_, names_);
        return std::move(document_);
    }

    Workbook const& book_;
    std::string_view bytes_;
    Head head_;
    std::vector<Reading> from_plates_, from_table_;
    std::vector<NamedCell> names_;
    Document document_;
};

Result<Document> read(std::string_view bytes) {
    auto const book = Workbook::read(bytes);
    if (!book) return fail(book.error());
    return Export{*book, bytes}.read();
}

bool recognises(std::string_view bytes) {
    Workbook const head = Workbook::head(bytes);
    auto const sheets = head.sheets();
    return std::any_of(sheets.begin(), sheets.end(), [](Sheet const& one) {
        bool test_id = false, test_name = false;
        for (std::uint32_t row = 1; row <= head_rows_max; ++row) {
            auto const key = field_of(one.text(row, 1)).first;
            test_id = test_id || key == "Test ID";
            test_name = test_name || key == "Test Name";
        }
        return test_id && test_name;
    });
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "Smart Control workbook"); }

}  // namespace

}  // namespace smartcontrol

ExportFormat const& smart_control_format() {
    static constexpr ExportFormat format{"bmg-smart-control",      "BMG Labtech Smart Control workbook",
                                         smartcontrol::recognises, smartcontrol::completeness,
                                         smartcontrol::parse,      nullptr};
    return format;
}

}  // namespace marrowlink
