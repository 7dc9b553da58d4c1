#include "central/evaluations.hpp"

#include <fmt/format.h>

#include "central/evaluation_result.hpp"
#include "central/evidence.hpp"
#include "core/version.hpp"

namespace marrowlink::central {
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
        auto const evidence = evidence_of(*database_, due->id, due->manifest, due->plate);
        if (!evidence) return fail(evidence.error());
        json::object const result = evaluation_result(*evidence);
        due->answer.plate_verdict = verdict_in(result);
        due->answer.plate_reason = reason_in(result);
        auto const added = add(*due, result, now_ms);
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
