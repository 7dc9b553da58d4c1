#include "central/evidence.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/version.hpp"

namespace marrowlink::central {
namespace {
Result<std::vector<RunFile>> files_in(Database& database, std::int64_t manifest_record) {
    auto select = database.prepare("SELECT data FROM record WHERE id=?1");
    if (!select) return fail(select.error());
    select->bind(1, manifest_record);
    auto const row = select->step();
    if (!row) return fail(row.error());
    std::vector<RunFile> out;
    if (!*row) return out;
    auto const manifest = json::parse_object(select->blob(0), "stored record");
    if (!manifest) return fail(manifest.error());
    for (auto const& value : manifest->at("files").as_array()) {
        json::object const& file = value.as_object();
        auto const text = [&](std::string_view member) { return std::string{json::string_of(file, member)}; };
        auto const number = [&](std::string_view member) { return static_cast<std::uint64_t>(json::integer_of(file, member)); };
        out.push_back({text("role"), text("format"), text("sha256"), text("original_sha256"), number("size"), number("blanked")});
    }
    return out;
}

// Two runs of one plate: which one holds is a person's word, not ours.
Result<std::string> conflict_of(Database& database, std::string_view barcode) {
    auto select = database.prepare(
        "SELECT source.site, source.instrument, run.run FROM run JOIN source ON source.id = run.source WHERE run.message IS NULL AND "
        "run.plate <> '' "
        "AND run.plate=?1 AND run.state='complete' ORDER BY run.id LIMIT 6");
    if (!select) return fail(select.error());
    select->bind_text(1, barcode);
    std::string names;
    std::size_t count = 0;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) break;
        if (++count <= 5) names += fmt::format("{}{}/{} {}", names.empty() ? "" : ", ", select->text(0), select->text(1), select->text(2));
    }
    if (count < 2) return std::string{};
    return fmt::format("{} runs stand under one barcode ({}{}); a person must correct the plate of all but one.",
                       count > 5 ? "more than 5" : std::to_string(count), names, count > 5 ? ", …" : "");
}
}  // namespace

Result<std::vector<Reading>> readings_of(Database& database, std::int64_t run) {
    auto select =
        database.prepare("SELECT data FROM part JOIN record ON record.id = part.record WHERE run=?1 AND file=x'' ORDER BY number");
    if (!select) return fail(select.error());
    select->bind(1, run);
    std::vector<Reading> out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        auto const block = json::parse_object(select->blob(0), "stored record");
        if (!block) return fail(block.error());
        for (auto const& one : block->at("readings").as_array()) {
            Reading reading;
            for (auto const& [name, member] : reading_fields) reading.*member = json::string_of(one.as_object(), name);
            out.push_back(std::move(reading));
        }
    }
}

Result<std::string> file_of(Database& database, std::int64_t run, RunFile const& file) {
    Digest digest{};
    digest_from_hex(file.sha256, digest);
    auto select = database.prepare("SELECT data FROM part JOIN record ON record.id = part.record WHERE run=?1 AND file=?2 ORDER BY number");
    if (!select) return fail(select.error());
    select->bind(1, run).bind_blob(2, as_bytes(digest));
    std::string out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) break;
        out += select->blob(0);
    }
    if (sha256(out) != digest)
        return fail(Fault::broken, fmt::format("{}: the {} stored bytes of the file {} have another SHA-256; run `verify`.",
                                               database.path().string(), out.size(), file.sha256));
    return out;
}

bool same_but_readings(PlateEvidence const& one, PlateEvidence const& other) {
    auto const same_file = [](RunFile const& a, RunFile const& b) { return a.sha256 == b.sha256; };
    auto const same_sheet = [](std::optional<Annotation> const& a, std::optional<Annotation> const& b) {
        return a.has_value() == b.has_value() && (!a || a->id == b->id);
    };
    return one.barcode == other.barcode && one.conflict == other.conflict && same_sheet(one.layout, other.layout) &&
           same_sheet(one.sample, other.sample) &&
           std::equal(one.files.begin(), one.files.end(), other.files.begin(), other.files.end(), same_file);
}

Result<PlateEvidence> evidence_of(Database& database, std::int64_t run, std::int64_t manifest, std::string_view barcode, Readings wanted) {
    PlateEvidence out;
    out.software = version;
    out.barcode = barcode;
    auto files = files_in(database, manifest);
    if (!files) return fail(files.error());
    out.files = std::move(*files);
    for (auto const& [kind, into] : {std::pair{AnnotationKind::layout, &out.layout}, std::pair{AnnotationKind::sample, &out.sample}}) {
        auto annotation = latest_annotation(database, kind, barcode);
        if (!annotation) return fail(annotation.error());
        *into = std::move(*annotation);
    }
    auto conflict = conflict_of(database, barcode);
    if (!conflict) return fail(conflict.error());
    out.conflict = std::move(*conflict);
    if (wanted == Readings::without || !out.layout || !out.conflict.empty()) return out;
    auto readings = readings_of(database, run);
    if (!readings) return fail(readings.error());
    out.readings = std::move(*readings);
    return out;
}

}  // namespace marrowlink::central
