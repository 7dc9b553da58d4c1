#include "central/analysis/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace marrowlink::analysis {
namespace {
constexpr double none = std::numeric_limits<double>::quiet_NaN();
std::vector<double> sorted(std::span<double const> values) {
    std::vector<double> copy(values.begin(), values.end());
    std::sort(copy.begin(), copy.end());
    return copy;
}
}  // namespace

double mean(std::span<double const> values) {
    if (values.empty()) return none;
    auto const in_order = sorted(values);
    // In two passes, as R does: the second takes back what the first rounded away.
    double const n = static_cast<double>(values.size());
    double const first = std::accumulate(in_order.begin(), in_order.end(), 0.0) / n;
    double rest = 0.0;
    for (double const value : in_order) rest += value - first;
    return first + rest / n;
}

double variance(std::span<double const> values) {
    if (values.size() < 2) return none;
    double const centre = mean(values);
    double sum = 0.0;
    for (double const value : sorted(values)) sum += (value - centre) * (value - centre);
    return sum / static_cast<double>(values.size() - 1);
}

double standard_deviation(std::span<double const> values) { return std::sqrt(variance(values)); }

double population_deviation(std::span<double const> values) {
    double const n = static_cast<double>(values.size());
    return values.size() == 1 ? 0.0 : std::sqrt(variance(values) * (n - 1.0) / n);
}

double median(std::span<double const> values) {
    if (values.empty()) return none;
    auto const in_order = sorted(values);
    std::size_t const half = in_order.size() / 2;
    return in_order.size() % 2 == 1 ? in_order[half] : 0.5 * (in_order[half - 1] + in_order[half]);
}

double mad(std::span<double const> values) {
    double const centre = median(values);
    std::vector<double> distances;
    for (double const value : values) distances.push_back(std::fabs(value - centre));
    return 1.4826 * median(distances);
}

double quantile(std::span<double const> values, double p) {
    if (values.empty()) return none;
    auto const in_order = sorted(values);
    double const at = p * static_cast<double>(in_order.size() - 1);
    auto const below = static_cast<std::size_t>(std::floor(at));
    std::size_t const above = std::min(below + 1, in_order.size() - 1);
    return in_order[below] + (at - static_cast<double>(below)) * (in_order[above] - in_order[below]);
}

std::vector<double> ranks(std::span<double const> values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> out(values.size());
    for (std::size_t i = 0; i < order.size();) {
        std::size_t j = i;
        while (j < order.size() && values[order[j]] == values[order[i]]) ++j;
        for (std::size_t k = i; k < j; ++k) out[order[k]] = 0.5 * static_cast<double>(i + 1 + j);
        i = j;
    }
    return out;
}

double tie_term(std::span<double const> values) {
    auto const in_order = sorted(values);
    double sum = 0.0;
    for (std::size_t i = 0; i < in_order.size();) {
        std::size_t j = i;
        while (j < in_order.size() && in_order[j] == in_order[i]) ++j;
        double const t = static_cast<double>(j - i);
        sum += t * t * t - t;
        i = j;
    }
    return sum;
}

}  // namespace marrowlink::analysis
