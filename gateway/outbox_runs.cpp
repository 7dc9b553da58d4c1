// What the outbox knows of runs: those still open, files already taken, transcripts, and what was told of each.
#include <fmt/format.h>

#include <unordered_set>

#include "core/json.hpp"
#include "gateway/outbox_schema.hpp"
#include "gateway/outbox_store.hpp"

namespace marrowlink {
namespace {
std::uint64_t as_uint(std::int64_t value) { return static_cast<std::uint64_t>(value); }
}  // namespace

Result<void> OutboxStore::track_open_run(Draft const& draft, Stamp const& stamp) {
    if (draft.type == type::run_started) {
        auto const data = json::parse(draft.data, "run.started");
        std::string const plate{data && data->is_object() ? json::string_of(data->get_object(), "plate") : ""};
        auto insert_run = database_.prepare("INSERT OR IGNORE INTO open_run VALUES(?,?,?,?,?)");
        if (!insert_run) return fail(insert_run.error());
        insert_run->bind_text(1, draft.run)
            .bind_text(2, draft.instrument)
            .bind_text(3, plate)
            .bind_text(4, draft.sourcekey)
            .bind_text(5, stamp.time);
        return insert_run->run();
    }
    if (draft.type == type::run_finished || draft.type == type::run_aborted) {
        auto close_run = database_.prepare("DELETE FROM open_run WHERE run=?");
        if (!close_run) return fail(close_run.error());
        close_run->bind_text(1, draft.run);
        if (auto closed = close_run->run(); !closed) return closed;
    }
    return draft.type == type::run_finished ? remember_transcript(draft) : Result<void>{};
}

// A reader that still holds what was committed here wants only to be cleared, also after a restart.
Result<void> OutboxStore::remember_transcript(Draft const& finished) {
    auto const data = json::parse(finished.data, "run.finished");
    if (!data || !data->is_object()) return {};
    auto const* const files = data->get_object().if_contains("files");
    if (!files || !files->is_array() || files->get_array().empty() || !files->get_array().front().is_object()) return {};
    json::object const& file = files->get_array().front().get_object();
    if (json::string_of(file, "role") != "transcript") return {};
    return set_transcript(finished.instrument, std::string{json::string_of(file, "sha256")});
}

Result<void> OutboxStore::set_transcript(std::string const& instrument, std::string const& sha256) {
    return set_meta("transcript/" + instrument, sha256);
}

Result<std::string> OutboxStore::last_transcript(std::string const& instrument) { return meta("transcript/" + instrument); }

Result<std::string> OutboxStore::line_count(std::string const& instrument) { return meta("line/" + instrument); }

Result<void> OutboxStore::set_line_count(std::string const& instrument, std::string const& count) {
    return set_meta("line/" + instrument, count);
}

Result<void> OutboxStore::set_meta(std::string const& name, std::string const& value) {
    set_meta_.bind_text(1, name).bind_text(2, value);
    return set_meta_.run();
}

Result<std::string> OutboxStore::meta(std::string const& name) {
    auto row = database_.prepare("SELECT value FROM meta WHERE name=?");
    if (!row) return fail(row.error());
    row->bind_text(1, name);
    auto const found = row->step();
    if (!found) return fail(found.error());
    return *found ? std::string{row->text(0)} : std::string{};
}

Result<std::vector<OpenRun>> OutboxStore::open_runs() {
    auto rows = database_.prepare("SELECT run, instrument, plate, sourcekey, started FROM open_run ORDER BY started");
    if (!rows) return fail(rows.error());
    std::vector<OpenRun> out;
    for (;;) {
        auto const row = rows->step();
        if (!row) return fail(row.error());
        if (!*row) return out;
        auto const text = [&](int column) { return std::string{rows->text(column)}; };
        out.push_back({text(0), text(1), text(2), text(3), text(4)});
    }
}

Result<std::string> OutboxStore::run_of_taken(std::string const& instrument, std::string const& sha256) {
    return taken("run", instrument, sha256);
}

Result<std::string> OutboxStore::name_of_taken(std::string const& instrument, std::string const& sha256) {
    return taken("name", instrument, sha256);
}

Result<std::string> OutboxStore::taken(std::string_view column, std::string const& instrument, std::string const& sha256) {
    auto found = database_.prepare(fmt::format("SELECT {} FROM taken WHERE instrument=? AND sha256=?", column));
    if (!found) return fail(found.error());
    found->bind_text(1, instrument).bind_text(2, sha256);
    auto const row = found->step();
    if (!row) return fail(row.error());
    return *row ? std::string{found->text(0)} : std::string{};
}

Result<std::vector<std::string>> OutboxStore::latest_runs(std::size_t limit) {
    auto rows = database_.prepare(
        fmt::format("SELECT run FROM record INDEXED BY record_latest WHERE {} AND run<>'' ORDER BY seq DESC", tells_of_a_run));
    if (!rows) return fail(rows.error());
    std::vector<std::string> out;
    std::unordered_set<std::string> known;
    while (out.size() < limit) {
        auto const row = rows->step();
        if (!row) return fail(row.error());
        if (!*row) break;
        std::string run{rows->text(0)};
        if (known.insert(run).second) out.push_back(std::move(run));
    }
    return out;
}

Result<void> OutboxStore::tell_run(std::string const& run, std::function<void(RunFact const&)> const& take) {
    auto rows = database_.prepare(fmt::format(
        "SELECT seq, type, data, appended_ms FROM record INDEXED BY record_run WHERE run=? AND {} ORDER BY seq", tells_of_a_run));
    if (!rows) return fail(rows.error());
    rows->bind_text(1, run);
    for (;;) {
        auto const row = rows->step();
        if (!row) return fail(row.error());
        if (!*row) return {};
        take({as_uint(rows->integer(0)), rows->text(1), rows->blob(2), rows->integer(3)});
    }
}

Result<std::string> OutboxStore::sourcekey_of_run(std::string const& run) {
    auto row =
        database_.prepare(fmt::format("SELECT attributes FROM record INDEXED BY record_run WHERE run=? AND {} LIMIT 1", tells_of_a_run));
    if (!row) return fail(row.error());
    row->bind_text(1, run);
    auto const found = row->step();
    if (!found) return fail(found.error());
    if (!*found) return fail(Fault::unavailable, fmt::format("Run {} is no longer kept on this gateway.", run));
    return std::string{find_attribute(row->blob(0), "sourcekey")};
}

Result<std::vector<Record>> OutboxStore::records_of_run(std::string const& run, std::string_view type) {
    // A run's records lie between its first and its last, so only those two need an index.
    auto rows = database_.prepare(
        fmt::format("SELECT seq, attributes, data FROM record WHERE seq >= (SELECT min(seq) FROM record INDEXED BY record_run WHERE run=?1 "
                    "AND {0}) AND seq <= coalesce((SELECT max(seq) FROM record INDEXED BY record_run WHERE run=?1 AND {0} AND "
                    "type='run.finished'), 9223372036854775807) AND run=?1 AND type=?2 ORDER BY seq",
                    tells_of_a_run));
    if (!rows) return fail(rows.error());
    rows->bind_text(1, run).bind_text(2, type);
    std::vector<Record> out;
    for (;;) {
        auto const row = rows->step();
        if (!row) return fail(row.error());
        if (!*row) return out;
        Record record;
        record.seq = as_uint(rows->integer(0));
        record.attributes = rows->blob(1);
        record.data = rows->blob(2);
        out.push_back(std::move(record));
    }
}

}  // namespace marrowlink
