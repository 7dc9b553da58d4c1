// Diagnosis to relapse, and centre to centre (the study's definitions 1.10).
#pragma once

#include <span>
#include <vector>

#include "central/analysis/hypothesis.hpp"

namespace marrowlink::analysis {

// One drug's scores of the same patients, first and last.
struct PairedChange {
    std::size_t n = 0;
    double mean_delta, sd_delta, median_delta;  // last - first
    TTest t;
    RankTest wilcoxon;         // zeros left out
    double wilcoxon_p_normal;  // ties and continuity corrected
    double hodges_lehmann;
    double cohen_dz;
    double sem;                    // SD of the changes / sqrt(2)
    double sdc95;                  // smallest detectable change, 1.96 sqrt(2) SEM
    double icc1;                   // ICC(1,1): one-way random, single measure, (MSB - MSW) / (MSB + MSW)
    double detectable_mean_delta;  // that a two-sided t test at 5 % finds with 80 % power, by the normal approximation
};
PairedChange paired_change(std::span<double const> first, std::span<double const> last);

// One drug's scores of two cohorts.
struct CentreShift {
    double mean_a, mean_b, shift;  // mean a - mean b
    TTest welch;
    double eta2;  // sum of squares between cohorts / in all
};
CentreShift centre_shift(std::span<double const> a, std::span<double const> b);

}  // namespace marrowlink::analysis
