#include "central/analysis/dose_response.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "central/analysis/distribution.hpp"
#include "central/analysis/elementary.hpp"
#include "central/analysis/linear_algebra.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analysis {
namespace {
constexpr double none = std::numeric_limits<double>::quiet_NaN();
}  // namespace

Crossing crossing(LogisticFit const& fit, double level, double xmin, double xmax) {
    double const share = (level - fit.bottom) / (fit.top - fit.bottom);
    if (!(share > 0.0 && share < 1.0)) return {Crossing::Side::never, none};
    double const x = fit.midpoint - log10((1.0 - share) / share) / fit.slope;
    if (x < xmin) return {Crossing::Side::below_range, x};
    if (x > xmax) return {Crossing::Side::above_range, x};
    return {Crossing::Side::within, x};
}

double area_under(LogisticFit const& fit, double xmin, double xmax) {
    // d x + (a - d) (x + log10(1 + 10^(b (m - x))) / b)
    auto const softened = [&](double x) { return x + log1p_exp(ln_10 * fit.slope * (fit.midpoint - x)) * log10_e / fit.slope; };
    return fit.bottom * (xmax - xmin) + (fit.top - fit.bottom) * (softened(xmax) - softened(xmin));
}

double trapezoid(std::span<double const> x, std::span<double const> y, bool clip) {
    std::vector<std::pair<double, double>> wells;
    for (std::size_t i = 0; i < x.size(); ++i) wells.emplace_back(x[i], y[i]);
    std::sort(wells.begin(), wells.end());
    double sum = 0.0;
    double last_x = none, last_y = none;
    for (std::size_t i = 0; i < wells.size();) {
        std::vector<double> replicates;
        double const at = wells[i].first;
        for (; i < wells.size() && wells[i].first == at; ++i) replicates.push_back(wells[i].second);
        double value = median(replicates);
        if (clip) value = std::clamp(value, 0.0, 100.0);
        if (!std::isnan(last_x)) sum += 0.5 * (value + last_y) * (at - last_x);
        last_x = at;
        last_y = value;
    }
    return sum;
}

namespace {
// Which of slope, bottom, top and midpoint are fitted.
std::vector<std::size_t> free_parameters(LogisticBounds const& bounds) {
    Range const ranges[4] = {bounds.slope, bounds.bottom, bounds.top, bounds.midpoint};
    std::vector<std::size_t> out;
    for (std::size_t p = 0; p < 4; ++p)
        if (!ranges[p].fixed()) out.push_back(p);
    return out;
}

double degrees_of_freedom(Doses const& doses, std::size_t parameters) {
    return static_cast<double>(doses.observations) - static_cast<double>(parameters);
}
}  // namespace

StandardErrors standard_errors(LogisticFit const& fit, Doses const& doses, LogisticBounds const& bounds) {
    auto const free = free_parameters(bounds);
    StandardErrors out{none, none, none, none, none, degrees_of_freedom(doses, free.size())};
    if (out.df <= 0.0) return out;
    out.sigma = std::sqrt(fit.sse / out.df);
    Matrix jacobian(doses.doses.size(), free.size());
    for (std::size_t k = 0; k < doses.doses.size(); ++k) {
        double const x = doses.doses[k].x;
        double const u = std::isinf(x) ? -700.0 : ln_10 * fit.slope * (x - fit.midpoint);
        double const g = 1.0 / (1.0 + exp_clamped(-u));
        double const w = g * (1.0 - g) * (fit.top - fit.bottom);
        double const derivatives[4] = {w * u / fit.slope, 1.0 - g, g, -w * ln_10 * fit.slope};
        for (std::size_t p = 0; p < free.size(); ++p) jacobian(k, p) = std::sqrt(doses.doses[k].count) * derivatives[free[p]];
    }
    auto const variances = inverse_of_gram(jacobian);
    if (!variances) return out;
    double* const fields[4] = {&out.slope, &out.bottom, &out.top, &out.midpoint};
    for (std::size_t p = 0; p < free.size(); ++p) *fields[free[p]] = out.sigma * std::sqrt((*variances)(p, p));
    return out;
}

Interval profile_interval(LogisticFit const& fit, Doses const& doses, LogisticBounds const& bounds) {
    double const df = degrees_of_freedom(doses, free_parameters(bounds).size());
    if (df <= 0.0) return {none, none};
    double const threshold = fit.sse * (1.0 + f_quantile(0.95, 1.0, df) / df);
    auto const side = [&](double limit) {
        double inside = fit.midpoint;
        double outside = none;
        // Steps that grow, so that a near bound is not stepped over.
        for (double step = 0.02; inside != limit; step *= 1.3) {
            double const next = limit < inside ? std::max(limit, inside - step) : std::min(limit, inside + step);
            if (profile_sse(doses, bounds, next) > threshold) {
                outside = next;
                break;
            }
            inside = next;
        }
        if (std::isnan(outside)) return none;
        for (int i = 0; i < 60 && std::fabs(outside - inside) > 1e-9; ++i) {
            double const middle = 0.5 * (inside + outside);
            (profile_sse(doses, bounds, middle) > threshold ? outside : inside) = middle;
        }
        return 0.5 * (inside + outside);
    };
    return {side(bounds.midpoint.lo), side(bounds.midpoint.hi)};
}

double aicc(double sse, std::size_t observations, std::size_t parameters) {
    double const n = static_cast<double>(observations);
    double const k = static_cast<double>(parameters + 1);
    if (n - k - 1.0 <= 0.0) return std::numeric_limits<double>::infinity();
    return n * log(sse / n) + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0);
}

double sum_around_mean(Doses const& doses) {
    double n = 0.0, sum = 0.0, out = doses.pure_error;
    for (Dose const& dose : doses.doses) {
        n += dose.count;
        sum += dose.count * dose.mean;
    }
    for (Dose const& dose : doses.doses) out += dose.count * (dose.mean - sum / n) * (dose.mean - sum / n);
    return out;
}

double flat_p(double sse, Doses const& doses, std::size_t parameters) {
    double const df1 = static_cast<double>(parameters) - 1.0;
    double const df2 = degrees_of_freedom(doses, parameters);
    if (df2 <= 0.0) return none;
    double const gained = sum_around_mean(doses) - sse;
    if (!(gained > 0.0)) return 1.0;
    return f_upper(gained / df1 / (sse / df2), df1, df2);
}

double lack_of_fit_p(double sse, Doses const& doses, std::size_t parameters) {
    double const df1 = static_cast<double>(doses.doses.size()) - static_cast<double>(parameters);
    double const df2 = static_cast<double>(doses.observations - doses.doses.size());
    if (df1 <= 0.0 || df2 <= 0.0 || !(doses.pure_error > 0.0)) return none;
    return f_upper(std::max(0.0, sse - doses.pure_error) / df1 / (doses.pure_error / df2), df1, df2);
}

}  // namespace marrowlink::analysis
