// What one run came to, as JSON: what is stored, and what the page and the comparison of timepoints read.
//   state          "evaluated"; "incomplete": an item is missing, left out of comparisons; "not evaluable"
//   reason         why not evaluated, a sentence each
//   barcode, subject, timepoint, compartment, medium, hours_to_test     what is known
//   software, files [{sha256, original_sha256}], layout and sample {version, sha256}, definitions {…}
//   readout, shape {rows, columns}, used, excluded
//   wells          [{well, role, drug, concentration, unit, value, flag, inhibition_pct, outlying}], every well of the layout
//   quality        {verdict, reasons, …}, as in `analyse plate-qc`
//   drugs          [{drug, n, excluded, x, y, not_evaluable | slope, bottom, top, midpoint, …}], x in log10 nM, y in percent inhibition
// A member that has no value is absent or null.
#pragma once

#include "central/analysis/sample_sheet.hpp"
#include "central/analysis/screened_plate.hpp"
#include "core/json.hpp"

namespace marrowlink::central {

void put_sample(json::object& result, analysis::SampleSheet const& sheet);
void put_plate(json::object& result, analysis::PlateLayout const& layout, analysis::ScreenedPlate const& plate);

}  // namespace marrowlink::central
