#include "drivers/nanodrop/parse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/list_table.hpp"
#include "drivers/plate_matrix.hpp"

namespace marrowlink {

namespace nanodrop {

namespace {

constexpr std::string_view keys[] = {"Plate ID", "Well", "Sample ID", "Date", "Time", "conc.", "units"};
constexpr std::string_view derived[] = {"260/280", "260/230", "Cursor abs."};
constexpr std::string_view context[] = {"E 1%", "Ext. Coeff x10e3", "Mol. Wt. kDa", "Cursor Pos."};
constexpr std::string_view personal[] = {"User ID"};
constexpr std::string_view units[] = {"mg/ml", "ng/ul"};

// "A280 10mm", "A260"
bool is_absorbance(std::string_view column) {
    return column.size() >= 4 && column[0] == 'A' && digits_from(column, 1) == 3 && (column.size() == 4 || column.substr(4) == " 10mm");
}

constexpr ListForm form{keys, is_absorbance, derived, context, personal, {}};

constexpr std::string_view curve_keys[] = {"Sample ID", "Curve Type"};
constexpr ListForm curves{curve_keys, [](std::string_view) { return false; }, {}, {}, {}, {}};

Result<void> read_row(ListTable& list, ListTable::Row const& row, Document& document) {
    auto const well = list.well(row, "Well");
    if (!well) return fail(well.error());
    for (auto const& name : list.columns()) {
        bool const concentration = name == "conc.";
        if (!concentration && !is_absorbance(name)) continue;
        auto reading = list.reading(row, name);
        if (!reading) return fail(std::move(reading.error()));
        if (!*reading) continue;
        (*reading)->plate = list.cell(row, "Plate ID");
        (*reading)->read = name;
        (*reading)->well = *well;
        (*reading)->unit = concentration ? list.cell(row, "units") : "OD";
        if (concentration && std::find(std::begin(units), std::end(units), (*reading)->unit) == std::end(units))
            return list.wrong(row, fmt::format("the unit {} is not known here (mg/ml, ng/ul)", in_quotes((*reading)->unit)));
        if (!concentration) (*reading)->wavelength_nm = name.substr(1, 3);
        document.readings.push_back(**std::move(reading));
    }
    return {};
}

// Each measurement stands in a list of curves behind, by its sample.
Result<void> compare_curves(TextTable const& text, ListTable const& list) {
    auto const lines = text.lines();
    auto const missing = [&] { return fail(Fault::unavailable, "the list of curves behind the measurements is not all there"); };
    std::size_t at = list.end();
    while (at < lines.size() && is_blank(lines[at], list.separator())) ++at;
    auto const heading = ListTable::find(text, at, curves);
    if (at == lines.size() || (!heading && !lines.back().terminated)) return missing();
    if (!heading || heading->line != at)
        return fail(Fault::refused, fmt::format("Line {}: {} stands behind the list.", at + 1, in_quotes(lines[at].text)));
    std::vector<std::string> cells;
    for (auto const& row : list.rows()) {
        if (++at >= lines.size() || !lines[at].terminated) return missing();
        if (auto done = split_quoted(lines[at].text, list.separator(), cells); !done) return done;
        if (cells[0] != list.cell(row, "Sample ID"))
            return fail(Fault::refused, fmt::format("Line {}: the curve is of {}, the measurement of {} in line {}.", at + 1,
                                                    in_quotes(cells[0]), in_quotes(list.cell(row, "Sample ID")), row.line + 1));
    }
    while (++at < lines.size())
        if (!is_blank(lines[at], list.separator()))
            return fail(Fault::refused, fmt::format("Line {}: there are more curves than measurements.", at + 1));
    return {};
}

Result<Document> read(std::string_view bytes) {
    auto const text = TextTable::decode(bytes);
    if (!text) return fail(text.error());
    auto const heading = ListTable::find(*text, 0, form);
    if (!heading) return fail(Fault::unavailable, "the heading of the list is missing");
    auto list = ListTable::read(*text, *heading, form);
    if (!list) return fail(list.error());
    if (std::none_of(list->columns().begin(), list->columns().end(), is_absorbance))
        return fail(Fault::refused, "The list has no column of an absorbance, as 'A280 10mm'.");
    if (auto done = compare_curves(*text, *list); !done) return fail(std::move(done.error()));
    Document document;
    document.format = "thermo-nanodrop-8000";
    for (auto const& row : list->rows())
        if (auto done = read_row(*list, row, document); !done) return fail(std::move(done.error()));
    auto const& first = list->rows().front();
    document.plate = list->cell(first, "Plate ID");
    document.started = fmt::format("{} {}", list->cell(first, "Date"), list->cell(first, "Time"));
    if (auto done = list->finish(document); !done) return fail(std::move(done.error()));
    return document;
}

bool recognises(std::string_view bytes) { return has_list(bytes, form); }

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "NanoDrop export"); }

}  // namespace

}  // namespace nanodrop

ExportFormat const& nanodrop_format() {
    static constexpr ExportFormat format{
        "thermo-nanodrop-8000", "Thermo NanoDrop 8000 export", nanodrop::recognises, nanodrop::completeness, nanodrop::parse, nullptr};
    return format;
}

}  // namespace marrowlink
