// What is said of a fitted curve (the study's definitions 1.4, 1.5 and 1.9). x is log10 of the concentration in nM, responses are percent
// inhibition.
#pragma once

#include <string>

#include "central/analysis/logistic.hpp"

namespace marrowlink::analysis {

// Where a curve reaches a level: a number, or which side of the tested range it lies on.
struct Crossing {
    enum class Side : unsigned char { within, below_range, above_range, never };
    Side side = Side::never;
    double x = 0.0;  // extrapolated where the side is not `within`; NaN for `never`
};
// The x with f(x) = level, between xmin and xmax or named beyond them.
Crossing crossing(LogisticFit const& fit, double level, double xmin, double xmax);

// Integral of f from xmin to xmax, in closed form.
double area_under(LogisticFit const& fit, double xmin, double xmax);
// By the trapezoidal rule over the medians of each dose, in x; `clip` limits them to [0, 100] first.
double trapezoid(std::span<double const> x, std::span<double const> y, bool clip);

// Standard errors by Gauss-Newton (J'J, as R's nls); NaN where J'J is singular or no degree of freedom is left.
struct StandardErrors {
    double slope, bottom, top, midpoint;
    double sigma;  // sqrt(SSE / df)
    double df;
};
StandardErrors standard_errors(LogisticFit const& fit, Doses const& doses, LogisticBounds const& bounds);

// 95 % interval of the midpoint: where the profile's sum of squares reaches SSE (1 + F(0.95; 1, df) / df). An open side is NaN.
struct Interval {
    double lo, hi;
};
Interval profile_interval(LogisticFit const& fit, Doses const& doses, LogisticBounds const& bounds);

// n ln(SSE / n) + 2k + 2k(k + 1) / (n - k - 1), sigma counted in k; infinite where n - k - 1 <= 0.
double aicc(double sse, std::size_t observations, std::size_t parameters);

// p of the F-test that the curve explains no more than a constant; NaN where nothing is left to compare.
double flat_p(double sse, Doses const& doses, std::size_t parameters);
// p of the F-test of the curve's distance from the doses' means against the replicates' spread; NaN without replicates.
double lack_of_fit_p(double sse, Doses const& doses, std::size_t parameters);
double sum_around_mean(Doses const& doses);

}  // namespace marrowlink::analysis
