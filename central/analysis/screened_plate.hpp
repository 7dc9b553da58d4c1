// One plate of a drug screen: a run's readings and the plate's layout made into inhibitions (npi_median, the study's definitions 1.2), a
// verdict on the plate (1.3) and a curve a drug.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "central/analysis/curve.hpp"
#include "central/analysis/layout.hpp"
#include "central/analysis/plate_quality.hpp"
#include "core/reading.hpp"

namespace marrowlink::analysis {

inline constexpr std::string_view normalisation_definition = "npi_median/v1";

struct ScreenedWell {
    std::string value, flag;  // as the run has them; no value where a word stood in its place
    double signal = 0.0;      // NaN: no value
    Inhibition inhibition{};  // percent; by medians is what curves are fitted to
    bool outlying = false;    // a control outside 1.5 IQR of its kind: marked, and counted like any other
};

struct DrugCurve {
    std::string drug;
    std::size_t excluded = 0;  // wells without a value
    std::vector<double> x, y;  // of the others: log10 nM, percent inhibition
    Curve curve;
};

// How far samples of the same drug and dose agree (the study's definitions 1.3), in percent inhibition.
struct ReplicateAgreement {
    std::size_t pairs = 0;
    double r2 = 0.0;      // squared correlation over all pairs, the lower replicate number first; NaN with fewer than three pairs
    double sd_pct = 0.0;  // pooled within drug and dose
};

struct ScreenedPlate {
    std::string not_evaluable;        // why nothing of it can be said; empty otherwise
    std::string readout;              // label of the read that was used, as the run has it
    std::vector<ScreenedWell> wells;  // as the layout's
    std::size_t used = 0, excluded = 0;
    PlateQuality quality{};
    ReplicateAgreement replicates;
    std::vector<DrugCurve> drugs;  // by name; none where the quality is not evaluable: then no inhibition is known

    // `readout` chooses among the reads of a run that has several; empty where it has one. Not evaluable by name: several plates or data
    // sets in one run, a well twice, a well that the layout's plate does not have, a well of the layout that was not read, a value that is
    // no finite number, controls that do not differ.
    // `id`, the SHA-256 of the run's bytes, is half of each curve's id; the drug's name is the other.
    static ScreenedPlate of(std::span<Reading const> readings, PlateLayout const& layout, std::string_view readout, std::string const& id);
};

}  // namespace marrowlink::analysis
