#include "central/listing.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <vector>

#include "central/runs.hpp"
#include "central/store.hpp"
#include "central/subjects.hpp"
#include "core/clock.hpp"
#include "core/record.hpp"
#include "core/text.hpp"

namespace marrowlink::central {
namespace {
// Each row through `put`, with ?1 the site or empty for all.
template <class Put>
Result<json::array> rows(Database& database, std::string_view sql, std::string const& site, std::int64_t limit, Put put) {
    auto select = database.prepare(sql);
    if (!select) return fail(select.error());
    select->bind_text(1, site).bind(2, limit);
    json::array out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        out.push_back(put(*select));
    }
}

Result<json::array> labels_of(Database& database, std::int64_t run) {
    auto select = database.prepare("SELECT plate, who, why FROM label WHERE run=?1 ORDER BY id DESC LIMIT ?2");
    if (!select) return fail(select.error());
    select->bind(1, run).bind(2, label_history_max);
    json::array out;
    for (;;) {
        auto const more = select->step();
        if (!more) return fail(more.error());
        if (!*more) return out;
        out.push_back(json::object{{"plate", select->text(0)}, {"who", select->text(1)}, {"why", select->text(2)}});
    }
}

// The latest of every stream first, so that one stream with many costs no more than any other, then the latest of those.
Result<json::array> latest_refusals(Database& database, std::string const& site) {
    struct Refusal {
        std::string time;
        std::uint64_t seq;
        json::object row;
    };
    constexpr std::size_t time_bytes_max = 40, type_bytes_max = 80;
    std::vector<Refusal> found;
    auto const seen = rows(
        database,
        "SELECT stream.site, stream.gateway, stream.stream, refusal.record, refusal.reason, record.attributes FROM stream "
        "JOIN refusal ON refusal.record IN (SELECT record FROM refusal WHERE record BETWEEN stream.id << 40 AND (stream.id + 1 << 40) - 1 "
        "ORDER BY record DESC LIMIT ?2) JOIN record ON record.id = refusal.record WHERE ?1 = '' OR stream.site = ?1",
        site, refusals_listed_max, [&](Statement const& row) {
            std::string const time{beginning_of(find_attribute(row.blob(5), "time"), time_bytes_max)};
            std::uint64_t const seq = seq_of(row.integer(3));
            std::string_view type = find_attribute(row.blob(5), "type");
            if (type.starts_with(type_prefix)) type.remove_prefix(type_prefix.size());
            found.push_back({time, seq,
                             json::object{{"site", row.text(0)},
                                          {"gateway", row.text(1)},
                                          {"stream", row.text(2)},
                                          {"seq", seq},
                                          {"type", beginning_of(type, type_bytes_max)},
                                          {"time", time},
                                          {"reason", row.text(4)}}});
            return json::value{};
        });
    if (!seen) return fail(seen.error());
    std::sort(found.begin(), found.end(),
              [](Refusal const& a, Refusal const& b) { return std::tie(b.time, b.seq) < std::tie(a.time, a.seq); });
    if (found.size() > refusals_listed_max) found.resize(refusals_listed_max);
    json::array out;
    for (Refusal& refusal : found) out.push_back(std::move(refusal.row));
    return out;
}
}  // namespace

Result<json::object> listing(Database& database, std::string const& site, std::int64_t limit) {
    limit = std::clamp<std::int64_t>(limit, 1, runs_listed_max);
    auto totals = rows(database,
                       "SELECT source.site, source.instrument, tally.state, tally.message, tally.revised, tally.runs FROM tally "
                       "JOIN source ON source.id = tally.source WHERE (?1 = '' OR source.site = ?1) AND tally.runs > 0 AND ?2 > 0 "
                       "ORDER BY source.site, source.instrument, tally.state",
                       site, limit, [](Statement const& row) {
                           return json::object{{"site", row.text(0)},
                                               {"instrument", row.text(1)},
                                               {"state", row.text(2)},
                                               {"messages", row.integer(3) != 0},
                                               {"revisions", row.integer(4) != 0},
                                               {"runs", row.integer(5)}};
                       });
    if (!totals) return fail(totals.error());
    Result<json::array> labels;
    auto runs = rows(
        database,
        "SELECT source.site, stream.gateway, source.instrument, run.run, run.sourcekey, run.revision, run.state, run.reason, run.plate, "
        "run.changed_ms, run.labelled, run.id, evaluation.verdict, evaluation.subject FROM run JOIN source ON source.id = run.source JOIN "
        "stream ON stream.id = run.stream LEFT JOIN evaluation ON evaluation.id = (SELECT max(id) FROM evaluation AS one WHERE one.run = "
        "run.id) "
        "WHERE run.message IS NULL AND (?1 = '' OR source.site = ?1) ORDER BY run.changed_ms DESC LIMIT ?2",
        site, limit, [&](Statement const& row) {
            json::object out{{"site", row.text(0)},
                             {"gateway", row.text(1)},
                             {"instrument", row.text(2)},
                             {"run", row.text(3)},
                             {"sourcekey", row.text(4)},
                             {"revision", row.integer(5)},
                             {"state", row.text(6)},
                             {"verdict", verdict_of(row.text(6), row.integer(5))},
                             {"reason", row.text(7)},
                             {"plate", row.text(8)},
                             {"changed", rfc3339(Clock::Utc{std::chrono::milliseconds{row.integer(9)}})}};
            if (!row.is_null(12))
                out["evaluation"] = json::object{{"id", row.integer(11)}, {"verdict", row.text(12)}, {"subject", row.text(13)}};
            if (row.integer(10) != 0 && labels) {
                labels = labels_of(database, row.integer(11));
                if (labels) out["labels"] = *labels;
            }
            return out;
        });
    if (!runs) return fail(runs.error());
    if (!labels) return fail(labels.error());
    auto streams =
        rows(database,
             "SELECT site, gateway, stream, through, coalesce(fork, 0) FROM stream WHERE (?1 = '' OR site = ?1) AND ?2 > 0 ORDER BY site, "
             "gateway, id",
             site, limit, [](Statement const& row) {
                 json::object out{{"site", row.text(0)}, {"gateway", row.text(1)}, {"stream", row.text(2)}, {"through", row.integer(3)}};
                 if (row.integer(4) != 0) out["fork"] = row.integer(4);
                 return out;
             });
    if (!streams) return fail(streams.error());
    auto refused =
        rows(database,
             "SELECT count(*) FROM refusal WHERE (?1 = '' OR record >> 40 IN (SELECT id FROM stream WHERE stream.site = ?1)) AND ?2 > 0",
             site, limit, [](Statement const& row) { return json::value(row.integer(0)); });
    if (!refused) return fail(refused.error());
    auto refusals = latest_refusals(database, site);
    if (!refusals) return fail(refusals.error());
    auto listed_subjects = subjects(database);
    if (!listed_subjects) return fail(listed_subjects.error());
    return json::object{{"totals", std::move(*totals)}, {"runs", std::move(*runs)},         {"streams", std::move(*streams)},
                        {"refused", refused->at(0)},    {"refusals", std::move(*refusals)}, {"subjects", std::move(*listed_subjects)}};
}

}  // namespace marrowlink::central
