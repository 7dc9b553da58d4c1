#include "central/analysis/growth_rate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "central/analysis/distribution.hpp"
#include "central/analysis/dose_response.hpp"
#include "central/analysis/elementary.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analysis {

double gr_value(double count, double count_at_start, double count_of_control) {
    double const ln_2 = 0.69314718055994530942;
    return exp(log(count / count_at_start) / log(count_of_control / count_at_start) * ln_2) - 1.0;
}

GrowthRateCurve fit_growth_rate(std::span<double const> conc, std::span<double const> gr) {
    GrowthRateCurve out;
    std::vector<double> x;
    for (double const c : conc) x.push_back(log10(c));
    auto const doses = Doses::of(x, gr);
    if (doses.doses.size() < 4) {
        out.reason = fmt::format("{} of 4 doses", doses.doses.size());
        return out;
    }
    auto const& first = doses.doses.front();
    auto const& last = doses.doses.back();
    double const range = last.x - first.x;
    double above = 0.0;
    for (std::size_t k = 1; k < doses.doses.size(); ++k) {
        auto const& a = doses.doses[k - 1];
        auto const& b = doses.doses[k];
        above += 0.5 * ((1.0 - a.mean) + (1.0 - b.mean)) * (b.x - a.x);
    }
    out.gr_aoc = above / range;
    out.gr_max = std::min(last.mean, doses.doses[doses.doses.size() - 2].mean);
    out.mean_gr = mean(gr);
    auto const fit = fit_logistic(doses, {{0.1, 5.0}, {first.x - 2.0, last.x + 2.0}, {-1.0, 1.0}, {1.0, 1.0}});
    double const around_mean = sum_around_mean(doses);
    out.sse = fit.sse;
    out.r2 = 1.0 - fit.sse / around_mean;
    // GRmetrics counts n - 3 + 1 degrees of freedom.
    double const df2 = static_cast<double>(doses.observations) - 2.0;
    out.p = f_upper(std::max(0.0, around_mean - fit.sse) / 2.0 / (fit.sse / df2), 2.0, df2);
    constexpr double infinite = std::numeric_limits<double>::infinity();
    if (out.p < 0.05) {
        out.kind = GrowthRateCurve::Kind::sigmoid;
        out.h = fit.slope;
        out.gr_inf = fit.top;
        out.gec50 = exp10(fit.midpoint);
        double const ratio = (1.0 - fit.top) / (0.5 - fit.top) - 1.0;
        out.gr50 = fit.top < 0.5 ? exp10(fit.midpoint + log10(ratio) / fit.slope) : infinite;
    } else {
        out.kind = GrowthRateCurve::Kind::flat;
        out.h = 0.01;
        out.gr_inf = out.gr_max;
        out.gec50 = 0.0;
        out.gr50 = out.mean_gr > 0.5 ? infinite : -infinite;
    }
    return out;
}

}  // namespace marrowlink::analysis
