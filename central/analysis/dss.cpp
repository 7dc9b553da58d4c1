#include "central/analysis/dss.hpp"

#include <algorithm>
#include <cmath>

#include "central/analysis/elementary.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analysis {

SensitivityScores sensitivity_scores(double midpoint, double slope, double top_pct, double xmin, double xmax, ScoreRule rule) {
    double const y = activity_threshold_pct;
    double const a = std::min(top_pct, 100.0);
    double const b = std::fabs(slope);
    if (!(xmax > xmin) || b == 0.0 || !(a > y)) return {};
    if (rule == ScoreRule::fimm && midpoint >= xmax) return {};
    double const x1 = std::clamp(midpoint - log10((a - y) / y) / b, xmin, xmax);
    auto const antiderivative = [&](double x) { return a * (log1p_exp(ln_10 * b * (midpoint - x)) * log10_e / b + x); };
    double const area = antiderivative(xmax) - antiderivative(x1) - y * (xmax - x1);
    double const dss1 = 100.0 * area / ((100.0 - y) * (xmax - xmin));
    if (!(dss1 > 0.0) || dss1 > 100.0) return {};
    double const dss2 = dss1 / log10(a);
    return {dss1, dss2 > 50.0 ? 0.0 : dss2, dss1 * (2.0 / log10(a)) * (xmax - x1) / (xmax - xmin)};
}

SelectiveScores selective_scores(double score, std::span<double const> controls) {
    SelectiveScores out{
        analysis::mean(controls), standard_deviation(controls), analysis::median(controls), analysis::mad(controls), 0.0, 0.0, 0.0};
    out.s_dss = score - out.mean;
    out.z_dss = out.s_dss / (out.sd + 1.0);
    out.r_dss = (score - out.median) / (out.mad + 1.0);
    return out;
}

}  // namespace marrowlink::analysis
