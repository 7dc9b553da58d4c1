#include "drivers/gen5/parse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/gen5/outline.hpp"

namespace marrowlink {

namespace gen5 {

namespace {

// Enough for the head of any export.
constexpr std::size_t recognised_from_bytes = 4'096;

// Readers without a serial number, and readings typed in by hand.
bool is_known(std::string_view value) { return !value.empty() && value != "Unknown" && value != "n/a" && value != "N/A"; }

std::string plate_of(Head const& head) { return head.barcode.empty() ? head.number : head.barcode; }

std::string started_of(Head const& head) { return head.time.empty() ? head.date : head.date + " " + head.time; }

// Reader serial, run start and plate as the file writes them; empty when the reader or the start is not known.
std::string identity_of(Head const& head) {
    if (!is_known(head.serial) || head.date.empty() || head.time.empty()) return {};
    return fmt::format("gen5:{}|{}|{}", head.serial, started_of(head), plate_of(head));
}

// Numbers outside the value tables speak for the decimal separator too.
Result<void> see_numbers(Section const& section, bool layout, std::vector<std::uint32_t>* rows, DecimalSeparator& separator) {
    std::vector<std::string_view> cells;
    for (std::size_t i = 0; i < section.lines.size(); ++i) {
        if (auto split = split_cells(section.lines[i].text, cells); !split) return split;
        std::uint32_t const row = layout ? row_number(cells[0]) : 0;
        if (row != 0 && (rows->empty() || row > rows->back())) rows->push_back(row);
        // Other lines of a layout hold what people typed.
        if (layout && cells.back() != "Conc/Dil") continue;
        for (std::size_t c = 1; c < cells.size(); ++c) {
            Cell const cell = classify(cells[c]);
            if (cell.kind == CellKind::number) separator.see(cell.number, cells[c], section.first_line + i);
        }
    }
    return {};
}

Result<void> read_plate(Outline::Plate const& plate, bool last_plate, Findings& findings) {
    auto const in_plate = [&](Error error) {
        error.message =
            fmt::format("{} (line {}): {}", plate.head.number.empty() ? "Plate" : plate.head.number, plate.first_line, error.message);
        return fail(std::move(error));
    };
    if (plate.procedure.lines.empty())
        return in_plate(
            {last_plate ? Fault::unavailable : Fault::refused, "there is no Procedure Details section and no Results section."});
    auto const procedure = read_procedure(plate.procedure.lines, plate.procedure.last);
    if (!procedure) return in_plate(procedure.error());
    std::vector<std::uint32_t> layout_rows;
    for (auto const& layout : plate.layouts)
        if (auto seen = see_numbers(layout, true, &layout_rows, findings.separator); !seen) return in_plate(seen.error());
    for (auto const& temperature : plate.temperatures)
        if (auto seen = see_numbers(temperature, false, nullptr, findings.separator); !seen) return in_plate(seen.error());
    PlateTables tables{*procedure, plate_of(plate.head), std::move(layout_rows), findings};
    for (auto const& section : plate.values) {
        auto const done = section.lines[0].text.starts_with('\t') ? tables.matrix(section) : tables.series(section);
        if (!done) return in_plate(done.error());
    }
    if (auto done = tables.finish(last_plate); !done) return in_plate(done.error());
    return {};
}

void point_for_comma(Findings& findings) {
    for (auto& reading : findings.readings)
        for (std::string* text : {&reading.value, &reading.flag, &reading.wavelength_nm})
            std::replace(text->begin(), text->end(), ',', '.');
}

// "03/04/2026" may be March or April.
bool date_order_open(std::string_view date) {
    std::size_t const slash = date.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash > 2) return false;
    auto const number = [](std::string_view digits) {
        int n = 0;
        for (char c : digits) n = c >= '0' && c <= '9' ? n * 10 + (c - '0') : 99;
        return n;
    };
    std::size_t const second = date.find('/', slash + 1);
    if (second == std::string_view::npos || second - slash > 3) return false;
    int const a = number(date.substr(0, slash)), b = number(date.substr(slash + 1, second - slash - 1));
    return a <= 12 && b <= 12 && a != b;
}

std::vector<std::string> notes_of(TextTable const& table, Outline const& outline, Findings const& findings, char separator) {
    std::vector<std::string> notes;
    notes.push_back(fmt::format("Encoding {}, decimal {}.", name_of(table.encoding()), separator == ',' ? "comma" : "point"));
    if (!findings.derived.empty()) {
        std::string names;
        for (auto const& name : findings.derived) names += (names.empty() ? "" : ", ") + name;
        notes.push_back(fmt::format("Left out as derived, not measured: {}.", names));
    }
    if (findings.never_taken != 0) notes.push_back(fmt::format("{} announced reads were never taken.", findings.never_taken));
    Head const& head = outline.plates.front().head;
    if (head.reading_type == "Simulation" || head.reading_type == "Manual")
        notes.push_back(fmt::format("Reading Type is {}: the values were not measured by a reader.", head.reading_type));
    if (date_order_open(head.date)) notes.push_back(fmt::format("The order of day and month in {} is not stated in the file.", head.date));
    for (auto const& key : outline.unknown_head) notes.push_back(fmt::format("The head line {} is not known here.", in_quotes(key)));
    return notes;
}

// `unavailable`: not all there yet.
Result<Document> read(std::string_view bytes) {
    auto const table = TextTable::decode(bytes);
    if (!table) return fail(table.error());
    auto outline = outline_of(*table);
    if (!outline) return fail(std::move(outline.error()));
    Findings findings;
    for (auto const& plate : outline->plates)
        if (auto done = read_plate(plate, &plate == &outline->plates.back(), findings); !done) return fail(std::move(done.error()));
    auto const separator = findings.separator.decide();
    if (!separator) return fail(separator.error());
    if (*separator == ',') point_for_comma(findings);

    Document document;
    document.format = "agilent-gen5";
    document.notes = notes_of(*table, *outline, findings, *separator);
    Head const& head = outline->plates.front().head;
    document.identity = identity_of(head);
    document.plate = plate_of(head);
    document.started = started_of(head);
    document.readings = std::move(findings.readings);
    document.name_bearing = std::move(outline->name_bearing);
    return document;
}

bool recognises(std::string_view bytes) {
    TextTable const table = head_of(bytes, recognised_from_bytes);
    bool version = false, head_line = false;
    for (auto const& line : table.lines()) {
        version = version || line.text.starts_with("Software Version\t");
        head_line = head_line || line.text.starts_with("Experiment File Path:") || line.text.starts_with("Protocol File Path:") ||
                    line.text.starts_with("Plate Number\t");
    }
    return version && head_line;
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) { return whole_or_refused(read(bytes), "Gen5 export"); }

}  // namespace

}  // namespace gen5

ExportFormat const& gen5_format() {
    static constexpr ExportFormat format{
        "agilent-gen5", "Agilent BioTek Gen5 text export", gen5::recognises, gen5::completeness, gen5::parse, nullptr, nullptr};
    return format;
}

}  // namespace marrowlink
