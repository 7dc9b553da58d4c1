// What became different when runs were evaluated again, and why: from the evaluations that the database keeps side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "central/analysis/table.hpp"
#include "core/json.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

struct ResultChange {
    std::string what;           // "state", "verdict", "quality zprime", "dasatinib dss2_cont"
    std::string before, after;  // empty where there was or is none
};

// Of two results of one run (evaluation_result.hpp): state, reason, what the sample sheet says, quality and curves. Not what they rest on.
std::vector<ResultChange> changes_between(json::object const& before, json::object const& after);

// What they rest on, where it differs: "layout: version 1 (3d2c44c5), then version 2 (a1b2c3d4)", with the beginning of its SHA-256. Empty
// where nothing of it does: another run came to stand under the same barcode, or stands there no more, or the same version was built anew.
std::string why_changed(json::object const& before, json::object const& after);

inline constexpr std::size_t changed_rows_max = 1'000'000;  // of a table; what is beyond is left out, and the table's last row says so

// Of every evaluation with a number above `evaluation`, against the run's one before it: site, instrument, run, barcode, subject, evaluated
// (RFC 3339), why, what, before, after.
Result<analysis::ResultTable> changes_since(Database& database, std::int64_t evaluation);

Result<std::int64_t> latest_evaluation(Database& database);  // its number; 0: there is none

}  // namespace marrowlink::central
