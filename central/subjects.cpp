#include "central/subjects.hpp"

#include <fmt/format.h>

#include <chrono>

#include "central/evidence.hpp"
#include "central/subject_report.hpp"
#include "core/clock.hpp"
#include "core/text.hpp"
#include "core/version.hpp"

namespace marrowlink::central {
namespace {
constexpr std::string_view latest_plates =
    "SELECT run.id, source.site, source.instrument, run.run, evaluation.result FROM evaluation JOIN run ON "
    "run.id = evaluation.run JOIN source ON source.id = run.source WHERE evaluation.subject=?1 AND evaluation.id = (SELECT max(id) FROM "
    "evaluation AS later WHERE later.run = evaluation.run) ORDER BY evaluation.barcode, run.id LIMIT ?2";
}  // namespace

Result<json::array> subjects(Database& database) {
    auto select = database.prepare(
        "SELECT subject, count(*) FROM evaluation WHERE subject <> '' AND id IN (SELECT max(id) FROM evaluation GROUP BY run) GROUP BY "
        "subject ORDER BY subject LIMIT ?1");
    if (!select) return fail(select.error());
    select->bind(1, subjects_listed_max);
    json::array out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        out.push_back(json::object{{"subject", select->text(0)}, {"plates", select->integer(1)}});
    }
}

Result<std::vector<SubjectPlate>> plates_of(Database& database, std::string const& subject) {
    if (subject.empty()) return std::vector<SubjectPlate>{};  // plates without a sample sheet are nobody's
    auto select = database.prepare(latest_plates);
    if (!select) return fail(select.error());
    select->bind_text(1, subject).bind(2, static_cast<std::int64_t>(subject_plates_max) + 1);
    std::vector<SubjectPlate> out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        auto result = json::parse_object(select->text(4), "stored evaluation");
        if (!result) return fail(result.error());
        out.push_back({select->integer(0), std::string{select->text(1)}, std::string{select->text(2)}, std::string{select->text(3)},
                       std::move(*result)});
    }
}

Result<json::object> comparison_of(Database& database, std::string const& subject) {
    auto const plates = plates_of(database, subject);
    if (!plates) return fail(plates.error());
    return plates->empty() ? json::object{} : comparison(subject, *plates);
}

Result<json::object> cohort_of(Database& database) {
    auto const listed = subjects(database);
    if (!listed) return fail(listed.error());
    std::vector<json::object> comparisons;
    for (auto const& one : *listed) {
        auto compared = comparison_of(database, std::string{json::string_of(one.as_object(), "subject")});
        if (!compared) return compared;
        if (!compared->empty()) comparisons.push_back(std::move(*compared));
    }
    json::object out = cohort(comparisons);
    if (static_cast<std::int64_t>(listed->size()) == subjects_listed_max) out["cut_at"] = subjects_listed_max;
    return out;
}

Result<json::object> evaluation(Database& database, std::int64_t run) {
    auto select = database.prepare(
        "SELECT evaluation.result, evaluation.verdict, evaluation.evaluated_ms, source.site, source.instrument, run.run FROM evaluation "
        "JOIN run ON "
        "run.id = evaluation.run JOIN source ON source.id = run.source WHERE evaluation.run=?1 ORDER BY evaluation.id DESC LIMIT 1");
    if (!select) return fail(select.error());
    select->bind(1, run);
    auto const row = select->step();
    if (!row) return fail(row.error());
    if (!*row) return json::object{};
    auto result = json::parse_object(select->text(0), "stored evaluation");
    if (!result) return result;
    (*result)["id"] = run;
    (*result)["verdict"] = select->text(1);
    (*result)["evaluated"] = rfc3339(Clock::Utc{std::chrono::milliseconds{select->integer(2)}});
    (*result)["site"] = select->text(3);
    (*result)["instrument"] = select->text(4);
    (*result)["run"] = select->text(5);
    return result;
}

namespace {
// From the originals, and nothing else than what the centre shows.
Result<BundlePlate> bundle_plate(Database& database, SubjectPlate const& plate, std::uint64_t& bytes_left) {
    auto select = database.prepare(
        "SELECT run.manifest, run.plate, evaluation.software, evaluation.result FROM run JOIN evaluation ON evaluation.run = run.id WHERE "
        "run.id=?1 ORDER BY evaluation.id DESC LIMIT 1");
    if (!select) return fail(select.error());
    select->bind(1, plate.id);
    auto const row = select->step();
    if (!row) return fail(row.error());
    if (!*row) return fail(Fault::broken, fmt::format("{}: run {} is gone.", database.path().string(), plate.run));
    auto const refuse = [&](std::string_view why) {
        return fail(Fault::refused, fmt::format("Plate {} (run {}): {}", select->text(1), plate.run, why));
    };
    if (select->text(2) != version)
        return refuse(fmt::format("it was evaluated by version {}, this is {}; run `marrowlink-central recompute` and try again.",
                                  select->text(2), version));
    auto evidence = evidence_of(database, plate.id, select->integer(0), select->text(1), Readings::without);
    if (!evidence) return fail(evidence.error());
    BundlePlate out{plate.site, plate.instrument, plate.run, evidence->barcode, evidence->conflict, {}, evidence->layout, evidence->sample};
    for (RunFile const& file : evidence->files) {
        if (file.size > bytes_left) return refuse(fmt::format("with its files the bundle has more than {} bytes.", bundle_bytes_max));
        bytes_left -= file.size;
        auto bytes = file_of(database, plate.id, file);
        if (!bytes) return fail(bytes.error());
        out.originals.push_back({file, std::move(*bytes)});
    }
    auto const stored = readings_of(database, plate.id);
    if (!stored) return fail(stored.error());
    auto made = readings_in(out.originals);
    if (!made) return refuse(made.error().message);
    if (*made != *stored) return refuse("its original bytes do not give the readings that were sent with them.");
    evidence->readings = std::move(*made);
    if (json::serialize(evaluation_result(*evidence)) != select->text(3))
        return refuse("its original bytes do not give the stored result; run `marrowlink-central recompute` and try again.");
    return out;
}

Result<Bundle> bundle_in(Database& database, std::string const& subject) {
    auto const plates = plates_of(database, subject);
    if (!plates) return fail(plates.error());
    if (plates->empty())
        return fail(Fault::refused, fmt::format("The centre has no plate of a subject \"{}\".", beginning_of(subject, 40)));
    if (plates->size() > subject_plates_max)
        return fail(Fault::refused, fmt::format("{} has more than {} plates, which are not compared.", subject, subject_plates_max));
    Bundle out{std::string{version}, subject, {}};
    std::uint64_t bytes_left = bundle_bytes_max;
    for (SubjectPlate const& one : *plates) {
        auto plate = bundle_plate(database, one, bytes_left);
        if (!plate) return fail(plate.error());
        out.plates.push_back(std::move(*plate));
    }
    return out;
}
}  // namespace

Result<Bundle> bundle_of(Database& database, std::string const& subject) {
    // One snapshot: a running centre commits between two plates.
    if (auto const begun = database.exec("BEGIN"); !begun) return fail(begun.error());
    auto out = bundle_in(database, subject);
    if (auto const ended = database.exec("COMMIT"); !ended) return fail(ended.error());
    return out;
}

Result<std::string> report_of(Database& database, std::string const& subject) {
    auto plates = plates_of(database, subject);
    if (!plates) return fail(plates.error());
    if (plates->empty()) return std::string{};
    std::vector<json::object> results;
    for (SubjectPlate& plate : *plates) {
        results.push_back(plate.result);
        plate.id = static_cast<std::int64_t>(results.size());  // as in the bundle, whose report is the same
    }
    return subject_report(comparison(subject, *plates), results);
}

}  // namespace marrowlink::central
