#include "drivers/matrix/parse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/list_table.hpp"

namespace marrowlink {

namespace matrix {

namespace {

constexpr std::string_view keys[] = {"Well Name", "Live Count", "Dead Count", "Total Count", "Viability"};
constexpr std::string_view context[] = {"Errors:"};
constexpr std::string_view personal[] = {"Note:"};

struct Measure {
    std::string_view column, unit, sign;
};
constexpr Measure measures[] = {{"Live Count", "cells", ""},  {"Live Cells/mL", "cells/mL", ""}, {"Live Mean Size", "µm", ""},
                                {"Viability", "%", "%"},      {"Dead Count", "cells", ""},       {"Dead Cells/mL", "cells/mL", ""},
                                {"Dead Mean Size", "µm", ""}, {"Total Count", "cells", ""},      {"Total Cells/mL", "cells/mL", ""},
                                {"Total Mean Size", "µm", ""}};

bool is_measure(std::string_view column) {
    return std::any_of(std::begin(measures), std::end(measures), [&](Measure const& one) { return one.column == column; });
}

constexpr ListForm form{keys, is_measure, {}, context, personal, {}};

Result<void> read_row(ListTable& list, ListTable::Row const& row, Document& document) {
    std::string_view const name = list.cell(row, "Well Name");
    if (name.empty()) return list.wrong(row, "the well has no name");
    for (auto const& measure : measures) {
        auto reading = list.reading(row, measure.column, measure.sign);
        if (!reading) return fail(std::move(reading.error()));
        if (!*reading) continue;
        (*reading)->read = measure.column;
        (*reading)->well = name;
        (*reading)->unit = measure.unit;
        document.readings.push_back(**std::move(reading));
    }
    return {};
}

void note_errors(ListTable const& list, Document& document) {
    std::size_t rows = 0;
    std::string first;
    for (auto const& row : list.rows())
        if (auto const error = list.cell(row, "Errors:"); !error.empty() && rows++ == 0)
            first = fmt::format("{}: {}", list.cell(row, "Well Name"), error.substr(0, error.find(',')));
    if (rows > 0) document.notes.push_back(fmt::format("The software says errors of {} rows, the first of {}.", rows, first));
}

Result<void> fill(TextTable const&, ListTable& list, Document& document) {
    for (auto const& measure : measures)
        if (!list.has(measure.column)) return fail(Fault::refused, fmt::format("The list has no column {}.", in_quotes(measure.column)));
    document.format = "revvity-matrix-cellaca";
    for (auto const& row : list.rows())
        if (auto done = read_row(list, row, document); !done) return done;
    note_errors(list, document);
    return {};
}

bool recognises(std::string_view bytes) { return has_list(bytes, form); }

Completeness completeness(std::string_view bytes) { return completeness_of(read_list(bytes, form, fill)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read_list(bytes, form, fill), "Matrix export"); }

}  // namespace

}  // namespace matrix

ExportFormat const& matrix_format() {
    static constexpr ExportFormat format{
        "revvity-matrix-cellaca", "Revvity Matrix (Cellaca) export", matrix::recognises, matrix::completeness, matrix::parse, nullptr};
    return format;
}

}  // namespace marrowlink
