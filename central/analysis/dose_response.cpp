#include "central/analysis/dose_response.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

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
struct FreeParameters {
    std::vector<std::size_t> which;  // of slope, bottom, top, midpoint
    double df, sigma;                // sigma: NaN where no degree of freedom is left
};
FreeParameters free_parameters(LogisticFit const& fit, Doses const& doses, LogisticBounds const& bounds) {
    Range const ranges[4] = {bounds.slope, bounds.bottom, bounds.top, bounds.midpoint};
    FreeParameters out{{}, 0.0, none};
    for (std::size_t p = 0; p < 4; ++p)
        if (!ranges[p].fixed()) out.which.push_back(p);
    out.df = static_cast<double>(doses.observations) - static_cast<double>(out.which.size());
    if (out.df > 0.0) out.sigma = std::sqrt(fit.sse / out.df);
    return out;
}

// (J'J)^-1 of the free parameters.
std::optional<Matrix> unscaled_covariance(LogisticFit const& fit, Doses const& doses, std::vector<std::size_t> const& free) {
    Matrix jacobian(doses.doses.size(), free.size());
    for (std::size_t k = 0; k < doses.doses.size(); ++k) {
        double const x = doses.doses[k].x;
        double const u = std::isinf(x) ? -700.0 : ln_10 * fit.slope * (x - fit.midpoint);
        double const g = 1.0 / (1.0 + exp_clamped(-u));
        double const w = g * (1.0 - g) * (fit.top - fit.bottom);
        double const derivatives[4] = {w * u / fit.slope, 1.0 - g, g, -w * ln_10 * fit.slope};
        for (std::size_t p = 0; p < free.size(); ++p) jacobian(k, p) = std::sqrt(doses.doses[k].count) * derivatives[free[p]];
    }
    return inverse_of_gram(jacobian);
}
}  // namespace

StandardErrors standard_errors(LogisticFit const& fit, Doses const& doses, LogisticBounds const& bounds) {
    auto const free = free_parameters(fit, doses, bounds);
    StandardErrors out{none, none, none, none, free.sigma, free.df};
    auto const variances = free.df > 0.0 ? unscaled_covariance(fit, doses, free.which) : std::nullopt;
    if (!variances) return out;
    double* const fields[4] = {&out.slope, &out.bottom, &out.top, &out.midpoint};
    for (std::size_t p = 0; p < free.which.size(); ++p) *fields[free.which[p]] = out.sigma * std::sqrt((*variances)(p, p));
    return out;
}

Interval profile_interval(LogisticFit const& fit, Doses const& doses, LogisticBounds const& bounds) {
    double free = 0.0;
    for (Range const& range : {bounds.slope, bounds.midpoint, bounds.top, bounds.bottom}) free += range.fixed() ? 0.0 : 1.0;
    double const df = static_cast<double>(doses.observations) - free;
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
    double const df2 = static_cast<double>(doses.observations) - static_cast<double>(parameters);
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
