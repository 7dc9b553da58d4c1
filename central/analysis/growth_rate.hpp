// Growth-rate inhibition (Hafner et al. 2016, doi 10.1038/nmeth.3853), inference as the Bioconductor package GRmetrics does it (the study's
// definitions 1.7).
#pragma once

#include <span>
#include <string>

#include "central/analysis/logistic.hpp"

namespace marrowlink::analysis {

// 2^(log2(x / x0) / log2(control / x0)) - 1: 1 no effect, 0 no growth, below 0 death.
double gr_value(double count, double count_at_start, double count_of_control);

inline constexpr double doublings_min = 0.5;  // of the control; cells that divided less have no GR values

struct GrowthRateCurve {
    enum class Kind : unsigned char { sigmoid, flat, not_evaluable } kind = Kind::not_evaluable;
    std::string reason;  // of not_evaluable
    double h = 0.0, gr_inf = 0.0, gec50 = 0.0;
    double gr50 = 0.0;  // infinite where GR never reaches 1/2, -infinite where it is always below
    double gr_max = 0.0, gr_aoc = 0.0, r2 = 0.0, p = 1.0, sse = 0.0, mean_gr = 0.0;
};
// Concentrations > 0 in any one unit, which is that of gec50 and gr50.
GrowthRateCurve fit_growth_rate(std::span<double const> conc, std::span<double const> gr);

}  // namespace marrowlink::analysis
