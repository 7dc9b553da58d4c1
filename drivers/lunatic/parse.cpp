#include "drivers/lunatic/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "drivers/list_table.hpp"
#include "drivers/plate_matrix.hpp"

namespace marrowlink {

namespace lunatic {

namespace {

constexpr std::string_view keys[] = {"Plate ID", "Plate Position", "Sample name", "Date", "Time", "Application", "Instrument ID"};
constexpr std::string_view context[] = {
    "Sample group", "Source Position", "Source Plate ID", "Row", "Column", "Pump", "Path length mode", "Concentration factor (ng/ul)",
    "Plate type"};
constexpr std::string_view derived[] = {"A260 Concentration (ng/ul)", "Concentration (ng/ul)", "Background (A260)", "A260/A230",
                                        "A260/A280"};
constexpr std::string_view words[] = {"N/A"};
// Of the head; what another line of it says may be a name.
constexpr std::string_view head_keys[] = {"Report",         "Info",        "Date",   "Instrument", "Software version",
                                          "Client version", "Application", "Blanks", "Plate type", "Nr of Plates"};

bool is_absorbance(std::string_view column) { return column.size() == 4 && column[0] == 'A' && digits_from(column, 1) == 3; }

constexpr ListForm form{keys, is_absorbance, derived, context, {}, words};

void read_head(TextTable const& text, ListTable const& list, Document& document) {
    char const separator = list.separator();
    for (std::size_t at = 0; at < list.heading(); ++at) {
        std::string_view const line = text.lines()[at].text, key = trimmed(line.substr(0, line.find(separator)));
        if (std::find(std::begin(head_keys), std::end(head_keys), key) != std::end(head_keys) || is_blank(text.lines()[at], separator))
            continue;
        std::string_view rest = line.substr(std::min(line.find(separator), line.size()));
        while (rest.ends_with(separator)) rest.remove_suffix(1);
        if (key.empty()) continue;  // a plate of those above
        auto const place = text.place_of(text.lines()[at], rest.empty() ? line : rest.substr(1));
        document.name_bearing.push_back({place.first, place.second, std::string{key}});
    }
}

Result<void> read_row(ListTable& list, ListTable::Row const& row, Document& document) {
    auto const well = list.well(row, "Plate Position");
    if (!well) return fail(well.error());
    if (list.has("Row") && list.has("Column"))
        if (std::string const other = std::string{list.cell(row, "Row")} + std::string{list.cell(row, "Column")}; other != *well)
            return list.wrong(row, fmt::format("the position is {}, row and column are {}", *well, in_quotes(other)));
    for (auto const& name : list.columns()) {
        if (!is_absorbance(name)) continue;
        auto reading = list.reading(row, name);
        if (!reading) return fail(std::move(reading.error()));
        if (!*reading) continue;
        (*reading)->plate = list.cell(row, "Plate ID");
        (*reading)->read = name;
        (*reading)->well = *well;
        (*reading)->wavelength_nm = name.substr(1);
        (*reading)->unit = "OD";
        document.readings.push_back(**std::move(reading));
    }
    return {};
}

// Instrument, start and plates; empty when the rows are of several instruments or starts.
std::string identity_of(ListTable const& list) {
    std::set<std::string> runs;
    std::string plates;
    std::set<std::string_view> seen;
    for (auto const& row : list.rows()) {
        runs.insert(fmt::format("{}|{} {}", list.cell(row, "Instrument ID"), list.cell(row, "Date"), list.cell(row, "Time")));
        if (auto const plate = list.cell(row, "Plate ID"); seen.insert(plate).second) plates += fmt::format("|{}", plate);
    }
    return runs.size() == 1 ? "lunatic:" + *runs.begin() + plates : std::string{};
}

Result<void> fill(TextTable const& text, ListTable& list, Document& document) {
    if (std::none_of(list.columns().begin(), list.columns().end(), is_absorbance))
        return fail(Fault::refused, "The list has no column of an absorbance, as 'A260'.");
    document.format = "unchained-lunatic";
    for (auto const& row : list.rows())
        if (auto done = read_row(list, row, document); !done) return done;
    auto const& first = list.rows().front();
    document.plate = list.cell(first, "Plate ID");
    document.started = fmt::format("{} {}", list.cell(first, "Date"), list.cell(first, "Time"));
    document.identity = identity_of(list);
    read_head(text, list, document);
    return {};
}

bool recognises(std::string_view bytes) { return has_list(bytes, form); }

Completeness completeness(std::string_view bytes) { return completeness_of(read_list(bytes, form, fill)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read_list(bytes, form, fill), "Lunatic export"); }

}  // namespace

}  // namespace lunatic

ExportFormat const& lunatic_format() {
    static constexpr ExportFormat format{
        "unchained-lunatic", "Unchained Labs Lunatic export", lunatic::recognises, lunatic::completeness, lunatic::parse, nullptr};
    return format;
}

}  // namespace marrowlink
