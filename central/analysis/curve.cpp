#include "central/analysis/curve.hpp"

#include <fmt/format.h>

#include "central/analysis/elementary.hpp"
#include "central/analysis/table.hpp"

namespace marrowlink::analysis {
namespace {
std::string unfit(Doses const& doses) {
    if (doses.doses.size() < curve_doses_min) return fmt::format("{} of {} doses", doses.doses.size(), curve_doses_min);
    if (sum_around_mean(doses) == 0.0) return "all responses are equal";
    if (doses.observations < curve_parameters) return fmt::format("{} wells for {} parameters", doses.observations, curve_parameters);
    return {};
}

}  // namespace

std::string bounds_hit(LogisticFit const& fit) {
    std::string out;
    for (auto const& [hit, name] : {std::pair{fit.slope_at_bound, "slope"}, std::pair{fit.midpoint_at_bound, "midpoint"},
                                    std::pair{fit.top_at_bound, "top"}, std::pair{fit.bottom_at_bound, "bottom"}})
        if (hit) out += (out.empty() ? "" : " ") + std::string{name};
    return out;
}

std::string censored(Crossing const& crossing, double xmin, double xmax) {
    switch (crossing.side) {
        case Crossing::Side::within: return shortest(exp10(crossing.x));
        case Crossing::Side::below_range: return "< " + shortest(exp10(xmin));
        case Crossing::Side::above_range: return "> " + shortest(exp10(xmax));
        case Crossing::Side::never: return "not reached";
    }
    return {};
}

Curve Curve::of(std::span<double const> x, std::span<double const> y, std::string const& name, std::size_t draws) {
    Curve out;
    out.doses = Doses::of(x, y);
    out.not_evaluable = unfit(out.doses);
    if (!out.not_evaluable.empty()) return out;
    auto const bounds = wide_bounds(out.doses);
    out.xmin = out.doses.doses.front().x;
    out.xmax = out.doses.doses.back().x;
    out.fit = fit_logistic(out.doses, bounds);
    out.errors = standard_errors(out.fit, out.doses, bounds);
    out.profile = profile_interval(out.fit, out.doses, bounds);
    out.relative = crossing(out.fit, 0.5 * (out.fit.top + out.fit.bottom), out.xmin, out.xmax);
    out.absolute = crossing(out.fit, 50.0, out.xmin, out.xmax);
    out.scores = score_interval(out.doses, name, draws);
    out.flat_p = analysis::flat_p(out.fit.sse, out.doses, curve_parameters);
    out.lack_of_fit_p = analysis::lack_of_fit_p(out.fit.sse, out.doses, curve_parameters);
    // J'J of a step between two doses is singular to working precision: the sum of squares does not say where, or how steep, it is.
    bool const step = out.fit.slope_at_bound || !(out.errors.slope < 1e3 * out.fit.slope);
    out.flag = out.flat_p >= flat_p_max ? "flat" : step ? "step between two doses: slope and midpoint are not determined" : "";
    return out;
}

}  // namespace marrowlink::analysis
