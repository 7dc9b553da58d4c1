// Tests of one and two samples, as R 4.2's t.test, wilcox.test, cor, fisher.test and p.adjust define them. Two-sided; NaN where a sample is
// too small or does not vary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace marrowlink::analysis {

struct TTest {
    double t, df, p;
    double lo, hi;  // 95 % interval of the mean (difference)
};
TTest t_test(std::span<double const> differences);                       // of a mean of 0
TTest welch_test(std::span<double const> x, std::span<double const> y);  // mean x - mean y

struct RankTest {
    double statistic;  // V: sum of the positive differences' ranks, zeros left out; or U of x
    double p;
    bool exact;  // else the normal approximation with ties and continuity correction
};
inline constexpr std::size_t exact_rank_test_max = 200;  // observations a sample; above, or with ties or zeros, the normal approximation
RankTest signed_rank_test(std::span<double const> differences);
double signed_rank_normal_p(std::span<double const> differences);  // always the approximation, as wilcox.test(exact = FALSE)
RankTest mann_whitney_test(std::span<double const> x, std::span<double const> y);

struct HodgesLehmann {
    double estimate;  // median of the Walsh averages, zeros among the differences included
    double lo, hi;    // exact 95 % interval; NaN where differences are tied or 0
};
HodgesLehmann hodges_lehmann(std::span<double const> differences);

double pearson(std::span<double const> x, std::span<double const> y);
double spearman(std::span<double const> x, std::span<double const> y);
double kendall_tau_b(std::span<double const> x, std::span<double const> y);

// Fisher's exact test of the table a b / c d: two-sided p, and the conditional maximum likelihood estimate of the odds ratio (0 and
// infinity at the ends) as exactly as R's fisher.test gives it, which is to about 1e-4.
struct FisherTest {
    double p, odds_ratio;
};
FisherTest fisher_test(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d);

enum class Adjustment : std::uint8_t { bonferroni, holm, hochberg, benjamini_hochberg, benjamini_yekutieli };
// NaN stays NaN and does not count as a test.
std::vector<double> adjusted(std::span<double const> p, Adjustment how);

}  // namespace marrowlink::analysis
