#include "central/analysis/fimm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "central/analysis/elementary.hpp"

namespace marrowlink::analysis::fimm {
namespace {

// caTools::runmean of k = 10, or of all doses where there are fewer; the window shrinks at the ends.
std::vector<double> running_mean(std::span<double const> values) {
    auto const n = static_cast<std::ptrdiff_t>(values.size());
    std::ptrdiff_t const k = std::min<std::ptrdiff_t>(10, n);
    std::ptrdiff_t const after = k / 2;
    std::ptrdiff_t const before = k - after - 1;
    std::vector<double> out;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        auto const first = values.begin() + std::max<std::ptrdiff_t>(0, i - before);
        auto const last = values.begin() + std::min(n, i + after + 1);
        out.push_back(std::accumulate(first, last, 0.0) / static_cast<double>(last - first));
    }
    return out;
}

}  // namespace

Range top_bounds(std::span<double const> inhibition) {
    double const highest = *std::max_element(inhibition.begin(), inhibition.end());
    double const lower = std::clamp(highest, 0.0, 100.0);
    auto const smooth = running_mean(inhibition);
    double upper = lower;
    bool exceeds = false;
    double among = 0.0;
    for (std::size_t i = 0; i < smooth.size(); ++i) {
        if (!(smooth[i] > smooth.back())) continue;
        among = exceeds ? std::max(among, inhibition[i]) : inhibition[i];
        exceeds = true;
    }
    if (exceeds) upper = among;
    double above = 0.0, count = 0.0;
    for (double const value : inhibition)
        if (value > upper) {
            above += value;
            count += 1.0;
        }
    if (count > 0.0) upper = above / count + 5.0;
    upper = std::min(upper, 100.0);
    if (lower > upper) upper = lower;
    return {lower, upper};
}

Curve fit(std::span<double const> conc_nm, std::span<double const> inhibition_pct) {
    Curve out;
    std::vector<double> y(inhibition_pct.begin(), inhibition_pct.end());
    std::vector<double> distinct = y;
    std::sort(distinct.begin(), distinct.end());
    if (std::adjacent_find(distinct.begin(), distinct.end()) != distinct.end())
        for (std::size_t i = 0; i < y.size(); ++i) y[i] += 0.01 * static_cast<double>(i);
    std::vector<std::size_t> order(y.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return conc_nm[a] < conc_nm[b]; });
    std::vector<double> x, by_dose;
    for (std::size_t const i : order) {
        x.push_back(log10(conc_nm[i]));
        by_dose.push_back(y[i]);
    }
    auto const doses = Doses::of(x, by_dose);
    if (doses.doses.size() < doses_min) {
        out.not_evaluable = fmt::format("{} of {} doses", doses.doses.size(), doses_min);
        return out;
    }
    out.top_bounds = top_bounds(by_dose);
    double const cmin = conc_nm[order.front()];
    double const cmax = conc_nm[order.back()];
    if (std::all_of(y.begin(), y.end(), [](double v) { return v <= 0.0; })) {
        out.ic50_nm = cmax;
        out.fit.midpoint = x.back();
        for (double const v : y) out.fit.sse += v * v;
        return out;
    }
    out.fit = fit_logistic(doses, {{0.1, 2.5}, {x.front(), x.back()}, out.top_bounds, {0.0, 0.0}});
    out.ic50_nm = exp10(out.fit.midpoint);
    double midpoint = out.fit.midpoint;
    if (out.fit.top < activity_threshold_pct) {
        out.ic50_nm = cmax;
        midpoint = x.back();
    }
    if (std::all_of(y.begin(), y.end(), [](double v) { return v > 50.0; })) {
        out.ic50_nm = cmin;
        midpoint = x.front();
    }
    if (out.ic50_nm >= cmax) midpoint = x.back();
    out.scores = sensitivity_scores(midpoint, out.fit.slope, out.fit.top, x.front(), x.back(), ScoreRule::fimm);
    return out;
}

}  // namespace marrowlink::analysis::fimm
