// Intervals of scores by the parametric bootstrap (the study's definitions 1.9): wells are drawn anew around the fitted curve with the
// fit's own spread, widened by t(0.975; df) / z(0.975) as the spread is estimated itself, the curve is fitted again, and the 2.5th
// and 97.5th percentiles of what comes out are the interval. Draws come from the curve's own stream of counted random numbers.
#pragma once

#include <string>

#include "central/analysis/dose_response.hpp"
#include "central/analysis/dss.hpp"

namespace marrowlink::analysis {

inline constexpr std::size_t bootstrap_draws = 499;

// The model of the scores: bottom 0, slope 0.1 to 2.5, midpoint within the tested doses, top 0 to 100.
LogisticBounds score_bounds(Doses const& doses);

struct ScoreInterval {
    LogisticFit fit;  // by score_bounds
    SensitivityScores fimm, continuous;
    Interval dss2_fimm, dss2_continuous, auc, midpoint;  // NaN without a degree of freedom
    bool unreliable = false;  // fewer wells than two a dose: such intervals were found to hold the truth in 86 % of cases, not 95 %
};
// `name` is the curve's id, whose SHA-256 is the key of its random numbers. At least four doses.
ScoreInterval score_interval(Doses const& doses, std::string const& name, std::size_t draws = bootstrap_draws);

}  // namespace marrowlink::analysis
