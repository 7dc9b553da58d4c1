#include "drivers/skanit/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "drivers/decimal.hpp"
#include "drivers/plate_block.hpp"
#include "drivers/text_table.hpp"
#include "drivers/workbook.hpp"

namespace marrowlink {

namespace skanit {

namespace {

constexpr std::string_view results = "Measurement results", wavelength_key = "Wavelength:", range_key = "Autoloading range";
constexpr std::uint32_t session_row = 2, started_row = 3;  // below the title

struct Technique {
    std::string_view name, label, unit;  // of a step, in a block's corner, ours
};
constexpr Technique techniques[] = {{"Absorbance", "Abs", "OD"}, {"Luminescence", "RLU", "RLU"}};
constexpr std::string_view layout_label = "Sample";

// What the other sheets begin with.
constexpr std::string_view general = "General information", session = "Session information";
constexpr std::string_view other_titles[] = {general, session, "Instrument information", "Protocol parameters", "Run log", "Name"};
// Fields of the first two in which no name of a person stands.
constexpr std::string_view nameless_fields[] = {"Report generated with SW version", "Session name", "Executed with", "Execution time"};

template <class Range>
bool is_one_of(std::string_view text, Range const& range) {
    return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

// "Absorbance 1"; null: no such step.
Technique const* technique_of(std::string_view step) {
    for (Technique const& one : techniques) {
        if (!step.starts_with(one.name)) continue;
        std::string_view const number = step.substr(one.name.size());
        if (number.size() > 1 && number[0] == ' ' && digits_from(number, 1) == number.size() - 1) return &one;
    }
    return nullptr;
}

class Export {
 public:
    Export(Workbook const& book, std::string_view bytes) : book_(book), bytes_(bytes) {}

    Result<Document> read() {
        for (Sheet const& sheet : book_.sheets()) {
            std::string_view const title = sheet.text(1, 1);
            if (title == results) {
                if (auto done = read_results(sheet); !done) return fail(std::move(done.error()));
            } else if (is_one_of(title, other_titles)) {
                if (title == general || title == session) find_names(sheet);
            } else if (!sheet.cells.empty()) {
                return wrong_cell(sheet, 1, 1, fmt::format("a sheet that begins with {} is not known here", in_quotes(title)));
            }
        }
        if (document_.readings.empty()) return fail(Fault::refused, "No sheet of the workbook holds a measured value.");
        document_.format = "thermo-skanit";
        document_.plate = document_.readings.front().plate;
        document_.identity = fmt::format("skanit:{}|{}", session_, document_.started);
        document_.name_bearing = book_.name_bearing(bytes_, names_);
        return std::move(document_);
    }

 private:
    std::string started_in(Sheet const& sheet) const {
        Cell const* const cell = sheet.at(started_row, 1);
        if (cell == nullptr) return {};
        std::string written{trimmed(cell->text)};
        if (cell->kind != CellKind::date) return written;
        std::string const date = date_of(cell->text, book_.since_1904());
        return date.empty() ? written : fmt::format("{} ({})", written, date);
    }

    // A line of the sheet is a cell of its first column; null when the sheet ends.
    Cell const* next_line(Sheet const& sheet) {
        for (; at_ <= sheet.rows(); ++at_) {
            auto const cells = sheet.row(at_);
            if (!cells.empty()) return &cells.front();
        }
        return nullptr;
    }

    Result<void> read_results(Sheet const& sheet) {
        std::string const started = started_in(sheet);
        std::string_view const name = sheet.text(session_row, 1);
        if (name.empty()) return wrong_cell(sheet, session_row, 1, "the session's name is missing");
        if (started.empty()) return wrong_cell(sheet, started_row, 1, "the time of the measurement is missing");
        if (!document_.started.empty() && (started != document_.started || name != session_))
            return wrong_cell(sheet, session_row, 1,
                              fmt::format("this sheet is of session {}, the one before of {}", in_quotes(name), in_quotes(session_)));
        document_.started = started;
        session_ = name;
        at_ = started_row + 1;
        step_.clear();
        end_ = started_row;
        while (Cell const* const line = next_line(sheet)) {
            std::string_view const text = trimmed(line->text);
            if (line->column != 1) return wrong_cell(sheet, at_, line->column, fmt::format("{} stands beside no plate", in_quotes(text)));
            if (text.starts_with(range_key)) {
                if (auto done = read_range(sheet, text.substr(range_key.size())); !done) return done;
            } else if (technique_of(text) != nullptr) {
                if (auto done = alone(sheet); !done) return done;
                step_ = text;
                ++at_;
            } else if (text.starts_with(wavelength_key)) {
                if (auto done = read_block_below(sheet); !done) return done;
            } else if (text == layout_label && !step_.empty()) {
                auto const layout = read_block(sheet, at_, 1);
                if (!layout) return fail(layout.error());
                end_columns_ = layout->shape.columns + 1;
                end_ = layout->end - 1;
                at_ = layout->end;
            } else {
                return wrong_cell(sheet, at_, 1,
                                  fmt::format("{} is not known here; steps are Absorbance and Luminescence, then comes {}", in_quotes(text),
                                              in_quotes(wavelength_key)));
            }
        }
        return {};
    }

    Result<void> alone(Sheet const& sheet) const {
        auto const cells = sheet.row(at_);
        if (cells.size() == 1) return {};
        return wrong_cell(sheet, at_, cells[1].column,
                          fmt::format("{} stands beside {}", in_quotes(cells[1].text), in_quotes(cells[0].text)));
    }

    // "A1 - M198": the corners of what the sheet shows. Where the last row does not end in its place, some are missing or too many.
    Result<void> read_range(Sheet const& sheet, std::string_view range) {
        if (auto done = alone(sheet); !done) return done;
        std::string const expected = fmt::format("A1 - {}", place_of(end_, end_columns_));
        if (trimmed(range) != expected)
            return wrong_cell(sheet, at_, 1,
                              fmt::format("the sheet's range is {}, expected {}", in_quotes(trimmed(range)), in_quotes(expected)));
        ++at_;
        if (Cell const* const more = next_line(sheet))
            return wrong_cell(sheet, at_, more->column, fmt::format("{} stands below the sheet's last line", in_quotes(more->text)));
        return {};
    }

    // The wavelength, the plate's name, and the block.
    Result<void> read_block_below(Sheet const& sheet) {
        Technique const* const technique = technique_of(step_);
        if (technique == nullptr) return wrong_cell(sheet, at_, 1, "a wavelength stands before the name of a step");
        if (auto done = alone(sheet); !done) return done;
        std::string_view wavelength = trimmed(sheet.text(at_, 1).substr(wavelength_key.size()));
        std::size_t const digits = digits_from(wavelength, 0);
        if (digits == 0 || digits > 4 || wavelength.substr(digits) != " nm")
            return wrong_cell(sheet, at_, 1, fmt::format("{} is no wavelength", in_quotes(wavelength)));
        wavelength = wavelength.substr(0, digits);
        ++at_;
        Cell const* const name = next_line(sheet);
        if (name == nullptr || name->column != 1) return wrong_cell(sheet, at_, 1, "the plate's name is missing");
        std::string const plate{trimmed(name->text)};
        if (auto done = alone(sheet); !done) return done;
        if (plate.find(':') != std::string::npos || is_one_of(plate, std::array{technique->label, layout_label}))
            return wrong_cell(sheet, at_, 1, fmt::format("{} stands where a plate's name is expected", in_quotes(plate)));
        ++at_;
        if (next_line(sheet) == nullptr || sheet.text(at_, 1) != technique->label)
            return wrong_cell(
                sheet, at_, 1,
                fmt::format("{} stands where {} and a plate are expected", in_quotes(sheet.text(at_, 1)), in_quotes(technique->label)));
        if (!blocks_.insert({step_, std::string{wavelength}, plate}).second)
            return wrong_cell(sheet, at_, 1,
                              fmt::format("{} of {} at {} nm stands there twice", in_quotes(plate), in_quotes(step_), wavelength));
        auto const block = read_block(sheet, at_, 1);
        if (!block) return fail(block.error());
        for (PlateBlock::Well const& well : block->wells) {
            auto reading = reading_of(sheet, *well.cell, well_name(well.row, well.column));
            if (!reading) return fail(std::move(reading.error()));
            reading->plate = plate;
            reading->read = step_;
            if (wavelength != "0") reading->wavelength_nm = wavelength;  // 0: luminescence without a filter
            reading->unit = technique->unit;
            document_.readings.push_back(*std::move(reading));
        }
        end_columns_ = block->shape.columns + 1;
        end_ = block->end - 1;
        at_ = block->end;
        return {};
    }

    // A field and its value in one row; what the fields that are not known here hold may be a name.
    void find_names(Sheet const& sheet) {
        for (std::uint32_t row = 2; row <= sheet.rows(); ++row) {
            auto const cells = sheet.row(row);
            if (cells.empty() || is_one_of(trimmed(cells.front().text), nameless_fields)) continue;
            for (Cell const& cell : cells.subspan(1)) names_.push_back({&cell});
        }
    }

    Workbook const& book_;
    std::string_view bytes_;
    std::uint32_t at_ = 1;                     // row of the sheet
    std::uint32_t end_ = 0, end_columns_ = 1;  // of the last block
    std::string session_, step_;
    std::set<std::tuple<std::string, std::string, std::string>> blocks_;
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
    return std::any_of(head.sheets().begin(), head.sheets().end(),
                       [](Sheet const& one) { return one.text(1, 1) == results && !one.text(session_row, 1).empty(); });
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "SkanIt workbook"); }

}  // namespace

}  // namespace skanit

ExportFormat const& skanit_format() {
    static constexpr ExportFormat format{"thermo-skanit", "Thermo SkanIt workbook", skanit::recognises, skanit::completeness, skanit::parse,
                                         nullptr};
    return format;
}

}  // namespace marrowlink
