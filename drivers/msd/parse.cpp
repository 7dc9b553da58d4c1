#include "drivers/msd/parse.hpp"

#include <fmt/format.h>

#include "drivers/list_table.hpp"
#include "drivers/plate_matrix.hpp"

namespace marrowlink {

namespace msd {

namespace {

constexpr std::string_view plate_title = "Plate_";
constexpr std::string_view keys[] = {"Sample", "Assay", "Well", "Spot"};
constexpr std::string_view derived[] = {
    "Concentration",       "Adjusted Signal", "Mean", "Adj. Sig. Mean", "CV", "% Recovery", "% Recovery Mean",
    "Calc. Concentration", "Calc. Conc. Mean"};
constexpr std::string_view context[] = {"Fit Statistic: RSquared", "Detection Range", "Dilution"};
constexpr std::string_view words[] = {"NaN"};

bool is_signal(std::string_view column) { return column == "Signal"; }

constexpr ListForm form{keys, is_signal, derived, context, {}, words};

Result<void> read_row(ListTable& list, ListTable::Row const& row, Document& document) {
    auto const well = list.well(row, "Well");
    if (!well) return fail(well.error());
    std::string_view const spot = list.cell(row, "Spot");
    if (spot.empty() || digits_from(spot, 0) != spot.size())
        return list.wrong(row, fmt::format("{} stands in the column 'Spot', expected its number", in_quotes(spot)));
    auto reading = list.reading(row, "Signal");
    if (!reading) return fail(std::move(reading.error()));
    if (!*reading) return {};
    (*reading)->plate = document.plate;
    (*reading)->read = fmt::format("{} spot {}", list.cell(row, "Assay"), spot);
    (*reading)->well = *well;
    (*reading)->unit = "RLU";
    document.readings.push_back(**std::move(reading));
    return {};
}

// The barcode stands alone in the line above the heading.
Result<std::string> plate_of(TextTable const& text, ListTable const& list) {
    std::string plate;
    for (std::size_t at = 0; at < list.heading(); ++at) {
        TextLine const& line = text.lines()[at];
        if (is_blank(line, list.separator())) continue;
        std::string_view const title = trimmed(line.text.substr(0, line.text.find(list.separator())));
        if (!plate.empty() || !title.starts_with(plate_title) || title.size() == plate_title.size())
            return fail(Fault::refused, fmt::format("Line {}: {} stands above the heading, expected one plate, as 'Plate_2BO40AW287'.",
                                                    at + 1, in_quotes(line.text)));
        plate = title.substr(plate_title.size());
    }
    if (plate.empty()) return fail(Fault::refused, "The plate is not named above the heading.");
    return plate;
}

Result<void> fill(TextTable const& text, ListTable& list, Document& document) {
    if (!list.has("Signal")) return fail(Fault::refused, "The list has no column 'Signal'.");
    auto plate = plate_of(text, list);
    if (!plate) return fail(std::move(plate.error()));
    document.format = "msd-workbench";
    document.plate = *std::move(plate);
    for (auto const& row : list.rows())
        if (auto done = read_row(list, row, document); !done) return done;
    return {};
}

bool recognises(std::string_view bytes) { return has_list(bytes, form); }

Completeness completeness(std::string_view bytes) { return completeness_of(read_list(bytes, form, fill)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read_list(bytes, form, fill), "MSD Workbench export"); }

}  // namespace

}  // namespace msd

ExportFormat const& msd_format() {
    static constexpr ExportFormat format{"msd-workbench", "MSD Workbench export", msd::recognises, msd::completeness, msd::parse, nullptr};
    return format;
}

}  // namespace marrowlink
