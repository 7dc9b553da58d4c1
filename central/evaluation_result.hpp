// What one run came to, as JSON: what is stored, and what the page and the comparison of timepoints read.
//   state          "evaluated"; "incomplete": an item is missing, left out of comparisons; "not evaluable"
//   reason         why not evaluated, a sentence each
//   barcode, subject, timepoint, compartment, medium, hours_to_test     what is known
//   software, files [{sha256, original_sha256, role, format}], layout and sample {version, sha256}, definitions {…}
//   readout, shape {rows, columns}, used, excluded
//   wells          [{well, role, drug, concentration, unit, value, flag, inhibition_pct, npi_mean, npi_iqr, outlying}], every well
//   quality        {verdict, reasons, …}, as in `analyse plate-qc`
//   drugs          [{drug, n, excluded, x, y, not_evaluable | slope, bottom, top, midpoint, …}], x in log10 nM, y in percent inhibition
// A member that has no value is absent or null.
// It is pure: the same evidence gives the same bytes, at the centre and for whoever checks a bundle (bundle.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "central/annotations.hpp"
#include "core/json.hpp"
#include "core/reading.hpp"
#include "core/run.hpp"

namespace marrowlink::central {

// All that a result rests on.
struct PlateEvidence {
    std::string software;  // the version that evaluates
    std::string barcode;
    std::vector<RunFile> files;  // as the run's manifest names them
    std::optional<Annotation> layout, sample;
    std::string conflict;           // why this run may not stand for its barcode; empty: it may
    std::vector<Reading> readings;  // in the run's order; none are looked at without a layout or with a conflict
};

json::object evaluation_result(PlateEvidence const& evidence);

// The plate's verdict ("pass", "review", "fail", "not evaluable"), and all reasons for it and the state, in words.
std::string verdict_in(json::object const& result);
std::string reason_in(json::object const& result);

}  // namespace marrowlink::central
