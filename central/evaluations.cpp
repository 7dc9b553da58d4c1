#include "central/evaluations.hpp"

#include <fmt/format.h>

#include "central/annotations.hpp"
#include "central/evaluation_result.hpp"
#include "core/version.hpp"

namespace marrowlink::central {
namespace {
constexpr std::string_view not_evaluable = "not evaluable";

// The plate's verdict, and what stands beside it.
std::string verdict_in(json::object const& result) {
    if (auto const* const quality = result.if_contains("quality")) return std::string{json::string_of(quality->as_object(), "verdict")};
    return std::string{not_evaluable};
}
std::string reason_in(json::object const& result) {
    std::string out{json::string_of(result, "reason")};
    if (auto const* const quality = result.if_contains("quality"))
        for (auto const& reason : quality->as_object().at("reasons").as_array())
            out += fmt::format("{}{}", out.empty() ? "" : "; ", std::string_view{reason.as_string()});
    return out;
}

// It was good when it was stored.
std::string refused_now(Error const& error) { return "this version of the centre refuses it: " + error.message; }

json::object of_annotation(Annotation const& annotation) { return {{"version", annotation.version}, {"sha256", hex(annotation.sha256)}}; }

Result<json::object> stored_object(Statement const& row, int column) {
    auto parsed = json::parse(row.blob(column), "stored record");
    if (!parsed) return fail(parsed.error());
    return parsed->as_object();
}
}  // namespace

Result<Evaluations> Evaluations::over(Database& database) {
    auto mark = database.prepare(
        "INSERT OR IGNORE INTO due SELECT run FROM evaluation WHERE id IN (SELECT max(id) FROM evaluation GROUP BY run) AND software <> "
        "?1");
    if (!mark) return fail(mark.error());
    if (auto const done = mark->bind_text(1, version).run(); !done) return fail(done.error());
    return Evaluations{database};
}

Result<Evaluations::Due> Evaluations::due_run(std::int64_t id) {
    auto select = database_->prepare(
        "SELECT run.plate, run.manifest, stream.site, stream.gateway, run.run, source.instrument, run.sourcekey, run.state, run.revision, "
        "run.reason FROM run JOIN source ON source.id = run.source JOIN stream ON stream.id = run.stream WHERE run.id=?1");
    if (!select) return fail(select.error());
    select->bind(1, id);
    auto const row = select->step();
    if (!row) return fail(row.error());
    if (!*row) return fail(Fault::broken, fmt::format("{}: run {} is due and not there.", database_->path().string(), id));
    auto const text = [&](int column) { return std::string{select->text(column)}; };
    Due due{id, select->integer(1), text(0), {}};
    due.answer = {text(2), text(3), text(4), text(5), text(6), text(7), verdict_of(text(7), select->integer(8)), text(9)};
    return due;
}

Result<std::vector<Reading>> Evaluations::readings_of(std::int64_t run) {
    auto select =
        database_->prepare("SELECT data FROM part JOIN record ON record.id = part.record WHERE run=?1 AND file=x'' ORDER BY number");
    if (!select) return fail(select.error());
    select->bind(1, run);
    std::vector<Reading> out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        auto const block = stored_object(*select, 0);
        if (!block) return fail(block.error());
        for (auto const& one : block->at("readings").as_array()) {
            Reading reading;
            for (auto const& [name, member] : reading_fields) reading.*member = json::string_of(one.as_object(), name);
            out.push_back(std::move(reading));
        }
    }
}

Result<json::array> Evaluations::files_of(Due const& due) {
    auto select = database_->prepare("SELECT data FROM record WHERE id=?1");
    if (!select) return fail(select.error());
    select->bind(1, due.manifest);
    auto const row = select->step();
    if (!row) return fail(row.error());
    json::array out;
    if (!*row) return out;
    auto const manifest = stored_object(*select, 0);
    if (!manifest) return fail(manifest.error());
    for (auto const& file : manifest->at("files").as_array())
        out.push_back(json::object{{"sha256", file.at("sha256")}, {"original_sha256", file.at("original_sha256")}});
    return out;
}

// Two runs of one plate: which one holds is a person's word, not ours.
Result<std::string> Evaluations::conflict_of(Due const& due) {
    auto select = database_->prepare(
        "SELECT source.site, source.instrument, run.run FROM run JOIN source ON source.id = run.source WHERE run.message IS NULL AND "
        "run.plate <> '' "
        "AND run.plate=?1 AND run.state='complete' ORDER BY run.id LIMIT 6");
    if (!select) return fail(select.error());
    select->bind_text(1, due.plate);
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

Result<json::object> Evaluations::result_of(Due const& due) {
    json::object result{{"state", not_evaluable}, {"barcode", due.plate}, {"software", version}};
    auto files = files_of(due);
    if (!files) return fail(files.error());
    result["files"] = std::move(*files);
    auto const layout_text = latest_annotation(*database_, AnnotationKind::layout, due.plate);
    if (!layout_text) return fail(layout_text.error());
    auto const sample_text = latest_annotation(*database_, AnnotationKind::sample, due.plate);
    if (!sample_text) return fail(sample_text.error());
    analysis::SampleSheet sheet;
    if (*sample_text) {
        result["sample"] = of_annotation(**sample_text);
        auto parsed = analysis::SampleSheet::read((*sample_text)->bytes, "sample sheet");
        if (!parsed) {
            result["reason"] = refused_now(parsed.error());
            return result;
        }
        sheet = std::move(*parsed);
        put_sample(result, sheet);
    }
    auto const conflict = conflict_of(due);
    if (!conflict) return fail(conflict.error());
    if (!conflict->empty()) {
        result["reason"] = *conflict;
        return result;
    }
    if (!*layout_text) {
        result["state"] = "incomplete";
        result["reason"] = "no layout has been given for this barcode";
        return result;
    }
    result["layout"] = of_annotation(**layout_text);
    auto const layout = analysis::PlateLayout::read((*layout_text)->bytes, "layout");
    if (!layout) {
        result["reason"] = refused_now(layout.error());
        return result;
    }
    auto const readings = readings_of(due.id);
    if (!readings) return fail(readings.error());
    std::string id;
    for (auto const& file : result.at("files").as_array()) id += json::string_of(file.as_object(), "sha256");
    auto const plate = analysis::ScreenedPlate::of(*readings, *layout, sheet.readout, id);
    put_plate(result, *layout, plate);
    if (!plate.not_evaluable.empty()) {
        result["reason"] = plate.not_evaluable;
        return result;
    }
    auto const missing = sheet.missing();
    result["state"] = missing.empty() ? "evaluated" : "incomplete";
    if (!*sample_text)
        result["reason"] = "no sample sheet has been given for this barcode";
    else if (!missing.empty())
        result["reason"] = fmt::format("the sample sheet does not say: {}", fmt::join(missing, ", "));
    return result;
}

Result<bool> Evaluations::add(Due const& due, json::object const& result, std::int64_t now_ms) {
    std::string const text = json::serialize(result);
    auto latest = database_->prepare("SELECT result FROM evaluation WHERE run=?1 ORDER BY id DESC LIMIT 1");
    if (!latest) return fail(latest.error());
    latest->bind(1, due.id);
    auto const row = latest->step();
    if (!row) return fail(row.error());
    bool const same = *row && latest->text(0) == text;
    latest->reset();
    if (same) return false;
    auto insert = database_->prepare(
        "INSERT INTO evaluation (run, barcode, subject, software, verdict, reason, result, evaluated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
        "?7, ?8)");
    if (!insert) return fail(insert.error());
    insert->bind(1, due.id).bind_text(2, due.plate).bind_text(3, json::string_of(result, "subject")).bind_text(4, version);
    insert->bind_text(5, due.answer.plate_verdict).bind_text(6, due.answer.plate_reason).bind_text(7, text).bind(8, now_ms);
    if (auto const done = insert->run(); !done) return fail(done.error());
    return true;
}

Result<std::optional<std::vector<Answer>>> Evaluations::evaluate_next(std::int64_t now_ms) {
    auto first = database_->prepare("SELECT run FROM due ORDER BY run LIMIT 1");
    if (!first) return fail(first.error());
    auto const waiting = first->step();
    if (!waiting) return fail(waiting.error());
    if (!*waiting) return std::nullopt;
    std::int64_t const id = first->integer(0);
    first->reset();
    if (auto const settled = database_->settle(); !settled) return fail(settled.error());
    // From here on nobody else can change a layout, so that what makes this run due again comes after it has ceased to be.
    auto transaction = Transaction::begin(*database_);
    if (!transaction) return fail(transaction.error());
    auto due = due_run(id);
    if (!due) return fail(due.error());
    std::vector<Answer> answers;
    if (due->answer.state == run_state::complete && !due->plate.empty()) {
        auto const result = result_of(*due);
        if (!result) return fail(result.error());
        due->answer.plate_verdict = verdict_in(*result);
        due->answer.plate_reason = reason_in(*result);
        auto const added = add(*due, *result, now_ms);
        if (!added) return fail(added.error());
        if (*added) answers.push_back(due->answer);
    }
    auto done_with = database_->prepare("DELETE FROM due WHERE run=?1");
    if (!done_with) return fail(done_with.error());
    if (auto const done = done_with->bind(1, id).run(); !done) return fail(done.error());
    if (auto const done = transaction->commit(); !done) return fail(done.error());
    return answers;
}

}  // namespace marrowlink::central
