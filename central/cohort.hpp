// All subjects together: which drugs gained or lost effect from diagnosis to relapse, at each site. Pure, as comparison.hpp.
#pragma once

#include <vector>

#include "core/json.hpp"

namespace marrowlink::central {

inline constexpr std::size_t cohort_pairs_min = 3;  // subjects of a drug at a site; fewer: not evaluable

// Of comparisons of distinct subjects: {subjects, doubtful, sites: [{site, subjects, drugs: [{drug, n, mean_delta, lo95, hi95,
// median_delta, p, exact, p_adjusted, detectable, call, not_evaluable}]}], definition}, sites and drugs by name. `doubtful`: subjects whose
// comparison has doubts; they are counted in. Mean and interval are of a t distribution, p is Wilcoxon's signed ranks, adjusted over the
// site's drugs by Benjamini and Hochberg; called is what stays below 0.05, in
// the direction of the Hodges-Lehmann estimate. `detectable`: the mean change that as many subjects would have
// shown with 80 % power. Sites are not pooled: no bridging control joins them.
json::object cohort(std::vector<json::object> const& comparisons);

}  // namespace marrowlink::central
