#include "central/analysis/cohort.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "central/analysis/statistics.hpp"

namespace marrowlink::analysis {

PairedChange paired_change(std::span<double const> first_as_it_came, std::span<double const> last_as_it_came) {
    std::vector<std::pair<double, double>> pairs;
    for (std::size_t i = 0; i < first_as_it_came.size(); ++i) pairs.emplace_back(first_as_it_came[i], last_as_it_came[i]);
    std::sort(pairs.begin(), pairs.end());
    std::vector<double> first, last, delta, both;
    for (auto const& [before, after] : pairs) {
        first.push_back(before);
        last.push_back(after);
    }
    for (std::size_t i = 0; i < first.size(); ++i) {
        delta.push_back(last[i] - first[i]);
        both.push_back(first[i]);
        both.push_back(last[i]);
    }
    PairedChange out{};
    double const n = static_cast<double>(delta.size());
    out.n = delta.size();
    out.mean_delta = mean(delta);
    out.sd_delta = standard_deviation(delta);
    out.median_delta = median(delta);
    out.t = t_test(delta);
    out.wilcoxon = signed_rank_test(delta);
    out.wilcoxon_p_normal = signed_rank_normal_p(delta);
    out.hodges_lehmann = hodges_lehmann(delta).estimate;
    out.cohen_dz = out.mean_delta / out.sd_delta;
    out.sem = out.sd_delta / std::sqrt(2.0);
    out.sdc95 = 1.96 * std::sqrt(2.0) * out.sem;
    double const grand = mean(both);
    double between = 0.0, within = 0.0;
    for (std::size_t i = 0; i < first.size(); ++i) {
        double const centre = 0.5 * (first[i] + last[i]);
        between += 2.0 * (centre - grand) * (centre - grand);
        within += (first[i] - centre) * (first[i] - centre) + (last[i] - centre) * (last[i] - centre);
    }
    double const msb = between / (n - 1.0);
    double const msw = within / n;
    out.icc1 = (msb - msw) / (msb + msw);
    out.detectable_mean_delta = (1.959963984540054 + 0.8416212335729143) * out.sd_delta / std::sqrt(n);
    return out;
}

CentreShift centre_shift(std::span<double const> a, std::span<double const> b) {
    CentreShift out{mean(a), mean(b), mean(a) - mean(b), welch_test(a, b), 0.0};
    std::vector<double> both(a.begin(), a.end());
    both.insert(both.end(), b.begin(), b.end());
    double const grand = mean(both);
    double total = 0.0;
    std::sort(both.begin(), both.end());
    for (double const value : both) total += (value - grand) * (value - grand);
    auto const part = [&](std::span<double const> values, double centre) {
        return static_cast<double>(values.size()) * (centre - grand) * (centre - grand);
    };
    out.eta2 = (part(a, out.mean_a) + part(b, out.mean_b)) / total;
    return out;
}

}  // namespace marrowlink::analysis
