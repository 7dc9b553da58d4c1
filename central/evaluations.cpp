#include "central/evaluations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "central/evaluation_result.hpp"
#include "central/evidence.hpp"
#include "core/version.hpp"

namespace marrowlink::central {
namespace {
Result<void> run_sql(Database& database, std::string_view sql, std::string_view text = {}) {
    auto statement = database.prepare(sql);
    if (!statement) return fail(statement.error());
    if (!text.empty()) statement->bind_text(1, text);
    return statement->run();
}

// Each by its place; empty where there is no evidence.
std::vector<json::object> results_of(std::vector<std::optional<PlateEvidence>> const& evidence) {
    std::vector<json::object> out(evidence.size());
    auto const make = [&](std::size_t i) {
        if (evidence[i]) out[i] = evaluation_result(*evidence[i]);
    };
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < evidence.size(); ++i) others.emplace_back(make, i);
    if (!evidence.empty()) make(0);
    others.clear();
    return out;
}
}  // namespace

Result<Evaluations> Evaluations::over(Database& database, std::size_t threads) {
    auto const marked = run_sql(database,
                                "INSERT OR IGNORE INTO due SELECT run FROM evaluation WHERE id IN (SELECT max(id) FROM evaluation GROUP BY "
                                "run) AND software <> ?1",
                                version);
    if (!marked) return fail(marked.error());
    return Evaluations{database, std::max<std::size_t>(threads, 1)};
}

Result<void> Evaluations::all_again() { return run_sql(*database_, "INSERT OR IGNORE INTO due SELECT DISTINCT run FROM evaluation"); }

Result<std::int64_t> Evaluations::due() const {
    auto count = database_->prepare("SELECT count(*) FROM due");
    if (!count) return fail(count.error());
    if (auto const row = count->step(); !row) return fail(row.error());
    return count->integer(0);
}

Result<std::vector<std::int64_t>> Evaluations::next_ids() {
    auto select = database_->prepare("SELECT run FROM due ORDER BY run LIMIT ?1");
    if (!select) return fail(select.error());
    select->bind(1, static_cast<std::int64_t>(threads_));
    std::vector<std::int64_t> out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        out.push_back(select->integer(0));
    }
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

Result<std::optional<PlateEvidence>> Evaluations::evidence_of_due(Due const& due, Readings readings) {
    if (due.answer.state != run_state::complete || due.plate.empty()) return std::nullopt;
    auto found = evidence_of(*database_, due.id, due.manifest, due.plate, readings);
    return found ? Result<std::optional<PlateEvidence>>{std::move(*found)} : fail(found.error());
}

Result<std::optional<std::vector<Answer>>> Evaluations::evaluate_next(std::int64_t now_ms) {
    auto const ids = next_ids();
    if (!ids) return fail(ids.error());
    if (ids->empty()) return std::nullopt;
    // Without a lock, so that others can write meanwhile: a plate may take a fifth of a second.
    std::vector<std::optional<PlateEvidence>> evidence;
    for (std::int64_t const id : *ids) {
        auto const due = due_run(id);
        if (!due) return fail(due.error());
        auto found = evidence_of_due(*due, Readings::with);
        if (!found) return fail(found.error());
        evidence.push_back(std::move(*found));
    }
    auto const results = results_of(evidence);
    if (auto const settled = database_->settle(); !settled) return fail(settled.error());
    // From here on nobody else can change a layout, so that what makes a run due again comes after it has ceased to be.
    auto transaction = Transaction::begin(*database_);
    if (!transaction) return fail(transaction.error());
    auto done_with = database_->prepare("DELETE FROM due WHERE run=?1");
    if (!done_with) return fail(done_with.error());
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < ids->size(); ++i) {
        auto due = due_run(ids->at(i));
        if (!due) return fail(due.error());
        auto const now = evidence_of_due(*due, Readings::without);
        if (!now) return fail(now.error());
        bool const same = evidence[i] && *now ? same_but_readings(*evidence[i], **now) : !evidence[i] && !*now;
        if (!same) continue;  // it changed meanwhile, and stays due
        if (evidence[i]) {
            due->answer.plate_verdict = verdict_in(results[i]);
            due->answer.plate_reason = reason_in(results[i]);
            auto const added = add(*due, results[i], now_ms);
            if (!added) return fail(added.error());
            if (*added) answers.push_back(due->answer);
        }
        if (auto const done = done_with->bind(1, due->id).run(); !done) return fail(done.error());
    }
    if (auto const done = transaction->commit(); !done) return fail(done.error());
    return answers;
}

}  // namespace marrowlink::central
