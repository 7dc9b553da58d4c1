// Probit regression of viability on log10 of the concentration in uM, as the Beat AML study does (the study's definitions 1.5): fractions
// clipped to [0, 1], binomial likelihood, V = Phi(b0 + b1 x), by R's glm.fit with epsilon 1e-14 and at most 50 steps. Where only one dose,
// or none, is neither 0 nor 1 the likelihood has no finite maximum: what the steps end with is what R reports and depends on its rounding,
// and is marked `separated`.
#pragma once

#include <span>
#include <string>

namespace marrowlink::analysis {

struct ProbitFit {
    std::string not_evaluable;  // why there is no maximum of the likelihood; empty when there is one
    bool converged = false;
    bool separated = false;
    double b0 = 0.0, b1 = 0.0;
    double log10_ic50_um = 0.0;          // where V = 1/2; not finite for b1 = 0
    double auc_viability_x_log10 = 0.0;  // percent times decades, over the tested range
    double auc_mean_viability_pct = 0.0;
};
ProbitFit fit_probit(std::span<double const> log10_conc_um, std::span<double const> viability);

}  // namespace marrowlink::analysis
