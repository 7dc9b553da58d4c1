// Summaries of samples, the same bits whatever the order of the values. NaN where a sample is too small for what is asked.
#pragma once

#include <span>
#include <vector>

namespace marrowlink::analysis {

double mean(std::span<double const> values);
double variance(std::span<double const> values);              // of n - 1; NaN of fewer than two
double standard_deviation(std::span<double const> values);    // of n - 1
double population_deviation(std::span<double const> values);  // of n
double median(std::span<double const> values);
double mad(std::span<double const> values);                 // 1.4826 * median |x - median|
double quantile(std::span<double const> values, double p);  // R's type 7
// Ranks from 1, ties sharing their mean rank.
std::vector<double> ranks(std::span<double const> values);
// Sum over groups of equal values of t^3 - t.
double tie_term(std::span<double const> values);

}  // namespace marrowlink::analysis
