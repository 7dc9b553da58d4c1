// Least-squares fits of logistic dose-response curves, global by construction (the study's definitions 1.4):
//   f(x) = bottom + (top - bottom) / (1 + 10^(slope (midpoint - x))),  x = log10 of the concentration, slope > 0.
// For given slope and midpoint the best top and bottom are linear and known in closed form, within their bounds. What is left has two
// dimensions: a grid of `slope_steps` x `midpoint_steps` covers them, every local minimum of the grid is refined, the best is kept; ties
// within 1e-9 of the sum of squares go to the smaller slope, then the smaller midpoint. No random starts and no clock, so the same input
// gives the same bits.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace marrowlink::analysis {

// Replicates of one dose, which is all that a fit needs of them.
struct Dose {
    double x;  // log10 concentration; -infinity is a dose of 0
    double count;
    double mean;
};
struct Doses {
    std::vector<Dose> doses;  // by growing x
    double pure_error = 0.0;  // sum of squares of replicates around their dose's mean
    std::size_t observations = 0;
    static Doses of(std::span<double const> x, std::span<double const> y);
};

struct Range {
    double lo, hi;
    bool fixed() const { return lo == hi; }
};
struct LogisticBounds {
    Range slope{0.1, 25.0};
    Range midpoint{0.0, 0.0};
    Range top{-1e6, 1e6};
    Range bottom{-1e6, 1e6};  // lo == hi: not fitted
};

struct LogisticFit {
    double slope = 0.0, midpoint = 0.0, top = 0.0, bottom = 0.0;
    double sse = 0.0;  // with the replicates' pure error
    // The certificate: how many local minima the grid had, how many refined ones differ, and the second best's sum of squares (infinity
    // with one only).
    std::size_t grid_minima = 0;
    double runner_up_sse = 0.0;
    double gradient = 0.0;  // largest |dSSE/dparameter| along a free direction, in units of the sum of squares
    bool slope_at_bound = false, midpoint_at_bound = false, top_at_bound = false, bottom_at_bound = false;

    double operator()(double x) const;
};

// What depends only on the doses and the bounds, made once for all curves of one plate layout.
class LogisticGrid {
 public:
    static constexpr std::size_t slope_steps = 20;
    static constexpr std::size_t midpoint_steps = 41;

    // At least two different doses with finite x.
    LogisticGrid(std::span<Dose const> doses, LogisticBounds const& bounds);
    // `doses` has the x and counts that the grid was made for; `bounds` may differ from the grid's in top and bottom only.
    LogisticFit fit(Doses const& doses, LogisticBounds const& bounds) const;
    bool serves(std::span<Dose const> doses, LogisticBounds const& bounds) const;
    // One of the last `grids_kept_max` of this thread, or a new one; valid until the next call.
    static LogisticGrid const& of(std::span<Dose const> doses, LogisticBounds const& bounds);
    static constexpr std::size_t grids_kept_max = 4;

 private:
    LogisticBounds bounds_;
    std::vector<Dose> doses_;
    std::vector<double> slopes_, midpoints_;
    std::vector<double> basis_;                      // [dose][node]: count * g
    std::vector<double> sum_g_, sum_gg_;             // [node]
    std::vector<double> inverse_, centred_inverse_;  // of sum_gg, and of it around the mean
};

LogisticFit fit_logistic(Doses const& doses, LogisticBounds const& bounds);
// Sum of squares of the best curve with this midpoint, for profile intervals.
double profile_sse(Doses const& doses, LogisticBounds const& bounds, double midpoint);

// Bounds for curves of percent inhibition: the midpoint up to two decades outside the tested range, the linear parameters free.
LogisticBounds wide_bounds(Doses const& doses);

}  // namespace marrowlink::analysis
