// Dose-response fits as the FIMM pipeline and Breeze define them (DSS v2.0), but at the global optimum of their own criterion and bounds:
// three parameters (bottom 0), slope 0.1 to 2.5, midpoint within the tested doses, top within bounds taken from the responses. The study's
// definitions 1.4 and 1.6.
#pragma once

#include <span>
#include <string>

#include "central/analysis/dss.hpp"
#include "central/analysis/logistic.hpp"

namespace marrowlink::analysis::fimm {

struct Curve {
    std::string not_evaluable;  // why there is no fit: "3 of 4 doses"; empty when there is one
    Range top_bounds{0.0, 0.0};
    LogisticFit fit;
    double ic50_nm = 0.0;  // after the rules: the highest dose where the top is below 10 %, the lowest where every inhibition is above 50 %
    SensitivityScores scores;  // not rounded
};

inline constexpr std::size_t doses_min = 4;

// Concentrations in nM (> 0) and percent inhibitions in the order of the file, which counts: where two inhibitions are equal the tool adds
// 0.01 per place.
Curve fit(std::span<double const> conc_nm, std::span<double const> inhibition_pct);

// The tool's bounds of the top, from inhibitions by growing dose.
Range top_bounds(std::span<double const> inhibition_by_dose);

}  // namespace marrowlink::analysis::fimm
