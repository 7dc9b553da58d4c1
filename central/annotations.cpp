#include "central/annotations.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "central/analysis/identifying.hpp"
#include "central/analysis/layout.hpp"
#include "central/analysis/sample_sheet.hpp"

namespace marrowlink::central {
namespace {
Result<void> check_barcode(std::string_view barcode) {
    bool const formed = !barcode.empty() && barcode.size() <= barcode_bytes_max && std::all_of(barcode.begin(), barcode.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
    if (!formed)
        return fail(Fault::refused, fmt::format("A barcode has 1 to {} letters, digits, points, hyphens or underscores; this one does not.",
                                                barcode_bytes_max));
    if (auto const what = analysis::identifying(barcode))
        return fail(Fault::refused, fmt::format("The barcode looks like {}; nothing that identifies a person is taken.", *what));
    return {};
}

Result<void> check_content(AnnotationKind kind, std::string const& bytes, std::string const& file) {
    if (kind == AnnotationKind::layout) {
        auto const layout = analysis::PlateLayout::read(bytes, file);
        return layout ? Result<void>{} : fail(layout.error());
    }
    auto const sheet = analysis::SampleSheet::read(bytes, file);
    return sheet ? Result<void>{} : fail(sheet.error());
}
}  // namespace

std::string_view name_of(AnnotationKind kind) { return kind == AnnotationKind::layout ? "layout" : "sample"; }

Result<std::optional<Annotation>> latest_annotation(Database& database, AnnotationKind kind, std::string_view barcode) {
    auto select =
        database.prepare("SELECT id, version, bytes, sha256 FROM annotation WHERE kind=?1 AND barcode=?2 ORDER BY version DESC LIMIT 1");
    if (!select) return fail(select.error());
    select->bind_text(1, name_of(kind)).bind_text(2, barcode);
    auto const row = select->step();
    if (!row) return fail(row.error());
    if (!*row) return std::nullopt;
    Annotation out{select->integer(0), select->integer(1), std::string{select->blob(2)}, {}};
    auto const digest = select->blob(3);
    if (digest.size() != out.sha256.size())
        return fail(Fault::broken, fmt::format("{}: a stored SHA-256 has {} bytes.", database.path().string(), digest.size()));
    std::copy(digest.begin(), digest.end(), out.sha256.begin());
    return out;
}

Result<AddedAnnotation> add_annotation(Database& database, AnnotationKind kind, std::string_view barcode, std::string const& bytes,
                                       std::string const& file, std::int64_t now_ms) {
    if (auto const good = check_barcode(barcode); !good) return fail(good.error());
    if (auto const good = check_content(kind, bytes, file); !good) return fail(good.error());
    if (auto const settled = database.settle(); !settled) return fail(settled.error());
    auto transaction = Transaction::begin(database);
    if (!transaction) return fail(transaction.error());
    Digest const digest = sha256(bytes);
    auto const latest = latest_annotation(database, kind, barcode);
    if (!latest) return fail(latest.error());
    if (*latest && (*latest)->sha256 == digest) return AddedAnnotation{(*latest)->version, true};
    std::int64_t const next = *latest ? (*latest)->version + 1 : 1;
    auto insert =
        database.prepare("INSERT INTO annotation (kind, barcode, version, bytes, sha256, added_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
    if (!insert) return fail(insert.error());
    insert->bind_text(1, name_of(kind))
        .bind_text(2, barcode)
        .bind(3, next)
        .bind_blob(4, bytes)
        .bind_blob(5, as_bytes(digest))
        .bind(6, now_ms);
    if (auto const done = insert->run(); !done) return fail(done.error());
    if (auto const done = transaction->commit(); !done) return fail(done.error());
    return AddedAnnotation{next, false};
}

}  // namespace marrowlink::central
