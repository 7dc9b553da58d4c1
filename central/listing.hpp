// What the page and the API show, asked of the store: short queries with a limit, on the store thread.
#pragma once

#include <string>

#include "core/json.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

inline constexpr std::int64_t runs_listed_max = 500;     // newest first; what is older is in the database and in its exports
inline constexpr std::int64_t label_history_max = 50;    // of one run
inline constexpr std::int64_t refusals_listed_max = 20;  // the latest; all are counted, and all are in the database

// {"totals": [{site, instrument, state, messages, revisions, runs}], "runs": [{site, gateway, instrument, run, sourcekey, revision, state,
// verdict, reason, plate, labels, changed, evaluation: {id, verdict, subject}}], "subjects": as subjects.hpp says, of all sites, "streams":
// [{site, gateway, stream, through, fork}], "refused": n, "refusals": [{site, gateway, stream, seq, type, time, reason}]}; of one site, or
// of all when `site` is empty. Refusals are the latest by their record's `time`, which is their gateway's.
Result<json::object> listing(Database& database, std::string const& site, std::int64_t limit);

}  // namespace marrowlink::central
