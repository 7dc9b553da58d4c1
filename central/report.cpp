#include "central/report.hpp"

#include <algorithm>
#include <chrono>

#include "central/runs.hpp"
#include "core/clock.hpp"

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
}  // namespace

Result<json::object> report(Database& database, std::string const& site, std::int64_t limit) {
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
        "run.changed_ms, run.labelled, run.id FROM run JOIN source ON source.id = run.source JOIN stream ON stream.id = run.stream "
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
    auto refused = rows(database, "SELECT count(*) FROM refusal WHERE ?1 IS NOT NULL AND ?2 > 0", site, limit,
                        [](Statement const& row) { return json::value(row.integer(0)); });
    if (!refused) return fail(refused.error());
    return json::object{
        {"totals", std::move(*totals)}, {"runs", std::move(*runs)}, {"streams", std::move(*streams)}, {"refused", refused->at(0)}};
}

}  // namespace marrowlink::central
