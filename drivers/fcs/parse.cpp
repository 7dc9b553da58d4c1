#include "drivers/fcs/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "drivers/fcs/events.hpp"
#include "drivers/fcs/layout.hpp"
#include "drivers/fcs/names.hpp"

namespace marrowlink {

namespace {

constexpr std::uint64_t shown_events = 3;

CytometryDataset summary(fcs::DataSet& set, std::string_view bytes, std::vector<std::string>& notes) {
    CytometryDataset result;
    result.version = set.version;
    result.events = set.present;
    result.parameters = set.parameters;
    std::uint64_t const shown = std::min(shown_events, set.present);
    for (std::uint64_t i = 0; i < shown; ++i) {
        result.first.emplace_back(set.columns.size());
        decode_event(set, bytes, i, result.first.back().data());
        result.last.emplace_back(set.columns.size());
        decode_event(set, bytes, set.present - shown + i, result.last.back().data());
    }
    fcs::Statistics statistics = fcs::statistics(set, bytes);
    if (statistics.not_finite > 0)
        notes.push_back(fmt::format("{} values are NaN or infinite; sum, min and max leave them out", statistics.not_finite));
    result.sum = std::move(statistics.sum);
    result.min = std::move(statistics.min);
    result.max = std::move(statistics.max);
    result.cytometer = fcs::utf8(set.text.value("$CYT"));
    std::string_view const whole = set.text.value("$BEGINDATETIME");  // FCS 3.2
    result.started =
        whole.empty() ? fcs::utf8(fcs::trimmed(fmt::format("{} {}", set.text.value("$DATE"), set.text.value("$BTIM")))) : fcs::utf8(whole);
    return result;
}

std::string plate_of(fcs::Text const& text) {
    for (std::string_view const name : {"INDEX SORTING PLATE BARCODE", "$PLATENAME", "PLATE NAME", "$PLATEID", "PLATE ID"})
        if (std::string_view const value = text.value(name); !value.empty() && value != "NA") return fcs::utf8(value);
    return {};
}

Document document(fcs::Layout&& layout, std::string_view bytes) {
    Document result;
    result.format = fcs_format().name;
    result.notes = std::move(layout.notes);
    result.name_bearing = name_bearing(layout, bytes);
    for (fcs::DataSet& set : layout.sets) result.datasets.push_back(summary(set, bytes, result.notes));
    if (!layout.sets.empty()) {
        result.identity = identity(layout.sets.front().text);
        result.plate = plate_of(layout.sets.front().text);
        result.started = result.datasets.front().started;
    }
    if (result.datasets.size() == 2 && result.datasets[0].version != result.datasets[1].version &&
        result.datasets[0].events == result.datasets[1].events)
        result.notes.push_back(fmt::format("Both data sets hold the same {} events, as {} and as {}: one run", result.datasets[0].events,
                                           result.datasets[0].version, result.datasets[1].version));
    return result;
}

Completeness completeness(std::string_view bytes) {
    auto const layout = fcs::read_layout(bytes);
    if (!layout) return {true, {}};
    return {layout->missing.empty(), layout->missing};
}

Result<Document> parse(std::string_view bytes) {
    auto layout = fcs::read_layout(bytes);
    if (!layout) return fail(layout.error());
    if (!layout->missing.empty())
        return fail(Fault::refused, layout->missing + "; the file is kept as incomplete and looked at again when it grows.");
    return document(std::move(*layout), bytes);
}

Result<Document> present(std::string_view bytes) {
    auto layout = fcs::read_layout(bytes);
    if (!layout) return fail(layout.error());
    std::string const missing = layout->missing;
    Document result = document(std::move(*layout), bytes);
    if (!missing.empty()) result.notes.push_back(missing);
    return result;
}

void append_name(std::string& row, std::string_view name) {
    if (name.find_first_of(",\"\r\n") == name.npos) {
        row += name;
        return;
    }
    row += '"';
    for (char const c : name) {
        if (c == '"') row += '"';
        row += c;
    }
    row += '"';
}

void append_number(std::string& row, double value) {
    if (!std::isfinite(value)) {
        row += std::isnan(value) ? "NaN" : value > 0 ? "Inf" : "-Inf";
        return;
    }
    char text[32];
    // A whole number in full, not as 2.62143e+05.
    auto const end = value == std::floor(value) && std::fabs(value) < 9e15
                         ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value))
                         : std::to_chars(text, text + sizeof text, value);
    row.append(text, end.ptr);
}

Result<void> events(std::string_view bytes, void (*line)(void* to, std::string_view text), void* to) {
    auto const layout = fcs::read_layout(bytes);
    if (!layout) return fail(layout.error());
    if (!layout->missing.empty()) return fail(Fault::refused, layout->missing + "; the file is incomplete.");
    std::string row;
    std::vector<double> values;
    for (fcs::DataSet const& set : layout->sets) {
        if (&set != &layout->sets.front()) line(to, {});
        row.clear();
        for (std::size_t c = 0; c < set.parameters.size(); ++c) {
            if (c > 0) row += ',';
            append_name(row, set.parameters[c].n.empty() ? fmt::format("P{}", c + 1) : set.parameters[c].n);
        }
        line(to, row);
        values.resize(set.columns.size());
        for (std::uint64_t i = 0; i < set.present; ++i) {
            decode_event(set, bytes, i, values.data());
            row.clear();
            for (std::size_t c = 0; c < values.size(); ++c) {
                if (c > 0) row += ',';
                append_number(row, values[c]);
            }
            line(to, row);
        }
    }
    return {};
}

}  // namespace

ExportFormat const& fcs_format() {
    static constexpr ExportFormat format{"fcs", "Flow cytometry data file (FCS)", fcs::has_magic, completeness, parse, events, present};
    return format;
}

}  // namespace marrowlink
