#include "drivers/softmax/parse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "drivers/softmax/outline.hpp"
#include "drivers/softmax/plate.hpp"

namespace marrowlink {

namespace softmax {

namespace {

constexpr std::size_t recognised_from_bytes = 256;

bool recognises(std::string_view bytes) {
    TextTable const head = head_of(bytes, recognised_from_bytes);
    return !head.lines().empty() && head.lines()[0].text.starts_with("##BLOCKS=");
}

// `unavailable`: not all there, unless what is there is asked for.
Result<Document> read(std::string_view bytes, bool what_is_there = false) {
    auto const table = TextTable::decode(bytes);
    if (!table) return fail(table.error());
    auto outline = outline_of(*table);
    if (!outline) return fail(std::move(outline.error()));
    Findings findings;
    for (Block const& block : outline->plates)
        if (auto done = read_plate(block, findings); !done) return fail(std::move(done.error()));
    if (what_is_there && outline->open)
        if (auto done = read_plate(*outline->open, findings); !done) findings.notes.push_back(std::move(done.error().message));
    auto const separator = findings.separator.decide(DecimalSeparator::Mixture::where_decisive);
    if (!separator) return fail(separator.error());
    for (Reading& reading : findings.readings) std::replace(reading.value.begin(), reading.value.end(), ',', '.');

    if (!what_is_there && !outline->missing.empty()) return fail(Fault::unavailable, std::move(outline->missing));

    Document document;
    document.format = "moldev-softmax-pro";
    document.notes.push_back(fmt::format("Encoding {}, decimal {}.", name_of(table->encoding()), *separator == ',' ? "comma" : "point"));
    document.notes.insert(document.notes.end(), findings.notes.begin(), findings.notes.end());
    if (!outline->saved.empty())
        document.notes.push_back(fmt::format("Saved {}; the file does not say when it was measured.", outline->saved));
    if (!findings.readings.empty()) document.plate = findings.readings.front().plate;
    document.readings = std::move(findings.readings);
    document.name_bearing = std::move(outline->name_bearing);
    if (!outline->missing.empty()) document.notes.push_back(fmt::format("Not complete: {}.", outline->missing));
    return document;
}

Completeness completeness(std::string_view bytes) { return completeness_of(read(bytes)); }

Result<Document> parse(std::string_view bytes) {
    auto document = whole_or_refused(read(bytes), "SoftMax Pro export");
    if (document && document->readings.empty()) return fail(Fault::refused, "The SoftMax Pro export has no plate.");
    return document;
}

Result<Document> present(std::string_view bytes) { return read(bytes, true); }

std::vector<NameBearing> names(std::string_view bytes) {
    auto const table = TextTable::decode(bytes);
    if (!table) return {{0, bytes.size(), "the whole file"}};
    auto outline = outline_of(*table);
    // Where it stops being known, a note or the file's name may begin.
    if (!outline || !outline->missing.empty()) return {{0, bytes.size(), "the whole file"}};
    return std::move(outline->name_bearing);
}

}  // namespace

}  // namespace softmax

ExportFormat const& softmax_format() {
    static constexpr ExportFormat format{"moldev-softmax-pro", "Molecular Devices SoftMax Pro text export",
                                         softmax::recognises,  softmax::completeness,
                                         softmax::parse,       nullptr,
                                         softmax::present,     softmax::names};
    return format;
}

}  // namespace marrowlink
