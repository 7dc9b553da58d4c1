#include "central/analysis/hypothesis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "central/analysis/distribution.hpp"
#include "central/analysis/elementary.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analysis {
namespace {
constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::vector<double> without_zeros(std::span<double const> values) {
    std::vector<double> out;
    std::copy_if(values.begin(), values.end(), std::back_inserter(out), [](double v) { return v != 0.0; });
    return out;
}

std::vector<double> magnitudes(std::span<double const> values) {
    std::vector<double> out;
    for (double const v : values) out.push_back(std::fabs(v));
    return out;
}

// How many of the 2^n sign patterns have each sum of positive ranks.
std::vector<double> signed_rank_shares(std::size_t n) {
    std::vector<double> shares(n * (n + 1) / 2 + 1, 0.0);
    shares[0] = 1.0;
    std::size_t top = 0;
    for (std::size_t rank = 1; rank <= n; ++rank) {
        top += rank;
        for (std::size_t sum = top + 1; sum-- > 0;) shares[sum] = 0.5 * (shares[sum] + (sum >= rank ? shares[sum - rank] : 0.0));
    }
    return shares;
}

// How likely each value of U is for samples of m and n.
std::vector<double> mann_whitney_shares(std::size_t m, std::size_t n) {
    // Ranks 1 to m + n are given out one by one: counts[k][u] of k given to x. Shares, not counts, so that nothing overflows.
    std::vector<std::vector<double>> shares(m + 1, std::vector<double>(m * n + 1, 0.0));
    shares[0][0] = 1.0;
    for (std::size_t given = 1; given <= m + n; ++given) {
        for (std::size_t k = std::min(given, m) + 1; k-- > 0;) {
            // The given-th rank goes to x with the chance that is left to x, and then counts the y before it.
            std::size_t const y_before = given - k;
            double const to_y = given - k <= n ? 1.0 : 0.0;
            for (std::size_t u = m * n + 1; u-- > 0;) {
                double value = to_y * shares[k][u] *
                               (y_before > 0 ? static_cast<double>(n - (y_before - 1)) / static_cast<double>(m + n - given + 1) : 0.0);
                if (k > 0 && u >= y_before && y_before <= n)
                    value += shares[k - 1][u - y_before] * static_cast<double>(m - (k - 1)) / static_cast<double>(m + n - given + 1);
                shares[k][u] = value;
            }
        }
    }
    return shares[m];
}

double two_sided(std::vector<double> const& shares, double statistic) {
    auto const at = static_cast<std::size_t>(statistic);
    double const middle = 0.5 * static_cast<double>(shares.size() - 1);
    double p = 0.0;
    if (statistic > middle)
        for (std::size_t i = shares.size(); i-- > at;) p += shares[i];
    else
        for (std::size_t i = 0; i <= at; ++i) p += shares[i];
    return std::fmin(1.0, 2.0 * p);
}

double corrected_p(double distance, double sigma) {
    double const correction = distance > 0.0 ? 0.5 : distance < 0.0 ? -0.5 : 0.0;
    return sigma > 0.0 ? normal_two_sided((distance - correction) / sigma) : none;
}

double positive_rank_sum(std::span<double const> values) {
    auto const rank = ranks(magnitudes(values));
    double sum = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] > 0.0) sum += rank[i];
    return sum;
}

TTest t_test_of(double difference, double error, double df) {
    double const t = difference / error;
    double const half = student_quantile(0.975, df) * error;
    return {t, df, student_two_sided(t, df), difference - half, difference + half};
}

// Brent's root (Brent 1973, ch. 4) with the tolerance and the steps of R's uniroot, whose results differ from the exact root by up to 1e-4.
template <class F>
double root_between(double a, double b, F const& f) {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    double const tolerance = std::sqrt(std::sqrt(epsilon));
    double fa = f(a), fb = f(b);
    if (fa == 0.0) return a;
    double c = a, fc = fa;
    for (int step = 0; step < 1000 && fb != 0.0; ++step) {
        double const previous = b - a;
        if (std::fabs(fc) < std::fabs(fb)) {
            a = b, b = c, c = a;
            fa = fb, fb = fc, fc = fa;
        }
        double const smallest = 2.0 * epsilon * std::fabs(b) + tolerance / 2.0;
        double next = (c - b) / 2.0;
        if (std::fabs(next) <= smallest || fb == 0.0) break;
        if (std::fabs(previous) >= smallest && std::fabs(fa) > std::fabs(fb)) {
            double const way = c - b;
            double p = 0.0, q = 0.0;
            if (a == c) {
                double const t = fb / fa;
                p = way * t;
                q = 1.0 - t;
            } else {
                double const r = fa / fc, t = fb / fc, s = fb / fa;
                p = s * (way * r * (r - t) - (b - a) * (t - 1.0));
                q = (r - 1.0) * (t - 1.0) * (s - 1.0);
            }
            if (p > 0.0)
                q = -q;
            else
                p = -p;
            if (p < 0.75 * way * q - std::fabs(smallest * q) / 2.0 && p < std::fabs(previous * q / 2.0)) next = p / q;
        }
        if (std::fabs(next) < smallest) next = next > 0.0 ? smallest : -smallest;
        a = b, fa = fb;
        b += next;
        fb = f(b);
        if ((fb > 0.0 && fc > 0.0) || (fb < 0.0 && fc < 0.0)) c = a, fc = fa;
    }
    return b;
}
}  // namespace

TTest t_test(std::span<double const> differences) {
    double const n = static_cast<double>(differences.size());
    double const error = standard_deviation(differences) / std::sqrt(n);
    if (!(error > 0.0)) return {none, n - 1.0, none, none, none};
    return t_test_of(mean(differences), error, n - 1.0);
}

TTest welch_test(std::span<double const> x, std::span<double const> y) {
    double const of_x = variance(x) / static_cast<double>(x.size());
    double const of_y = variance(y) / static_cast<double>(y.size());
    if (!(of_x + of_y > 0.0)) return {none, none, none, none, none};
    double const df =
        (of_x + of_y) * (of_x + of_y) / (of_x * of_x / static_cast<double>(x.size() - 1) + of_y * of_y / static_cast<double>(y.size() - 1));
    return t_test_of(mean(x) - mean(y), std::sqrt(of_x + of_y), df);
}

double signed_rank_normal_p(std::span<double const> differences) {
    auto const values = without_zeros(differences);
    if (values.empty()) return none;
    double const n = static_cast<double>(values.size());
    double const sigma = std::sqrt(n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - tie_term(magnitudes(values)) / 48.0);
    return corrected_p(positive_rank_sum(values) - n * (n + 1.0) / 4.0, sigma);
}

RankTest signed_rank_test(std::span<double const> differences) {
    auto const values = without_zeros(differences);
    if (values.empty()) return {0.0, none, false};
    double const v = positive_rank_sum(values);
    bool const exact = values.size() == differences.size() && values.size() <= exact_rank_test_max && tie_term(magnitudes(values)) == 0.0;
    return {v, exact ? two_sided(signed_rank_shares(values.size()), v) : signed_rank_normal_p(differences), exact};
}

RankTest mann_whitney_test(std::span<double const> x, std::span<double const> y) {
    if (x.empty() || y.empty()) return {none, none, false};
    std::vector<double> both(x.begin(), x.end());
    both.insert(both.end(), y.begin(), y.end());
    auto const rank = ranks(both);
    double const m = static_cast<double>(x.size());
    double const n = static_cast<double>(y.size());
    double const u = std::accumulate(rank.begin(), rank.begin() + static_cast<std::ptrdiff_t>(x.size()), 0.0) - m * (m + 1.0) / 2.0;
    double const ties = tie_term(both);
    bool const exact = ties == 0.0 && std::max(x.size(), y.size()) <= exact_rank_test_max / 2;
    if (exact) return {u, two_sided(mann_whitney_shares(x.size(), y.size()), u), true};
    double const sigma = std::sqrt(m * n / 12.0 * ((m + n + 1.0) - ties / ((m + n) * (m + n - 1.0))));
    return {u, corrected_p(u - m * n / 2.0, sigma), false};
}

HodgesLehmann hodges_lehmann(std::span<double const> differences) {
    if (differences.empty()) return {none, none, none};
    std::vector<double> walsh;
    for (std::size_t i = 0; i < differences.size(); ++i)
        for (std::size_t j = i; j < differences.size(); ++j) walsh.push_back(0.5 * (differences[i] + differences[j]));
    std::sort(walsh.begin(), walsh.end());
    HodgesLehmann out{median(walsh), none, none};
    auto const values = without_zeros(differences);
    if (values.size() != differences.size() || values.size() > exact_rank_test_max || tie_term(magnitudes(values)) != 0.0) return out;
    auto const shares = signed_rank_shares(values.size());
    double below = 0.0;
    std::size_t cut = 0;
    while (cut < shares.size() && (below += shares[cut]) < 0.025) ++cut;
    cut = std::max<std::size_t>(cut, 1);
    out.lo = walsh[cut - 1];
    out.hi = walsh[walsh.size() - cut];
    return out;
}

double pearson(std::span<double const> x, std::span<double const> y) {
    double const mx = mean(x);
    double const my = mean(y);
    double xx = 0.0, yy = 0.0, xy = 0.0;
    std::vector<std::pair<double, double>> pairs;
    for (std::size_t i = 0; i < x.size(); ++i) pairs.emplace_back(x[i] - mx, y[i] - my);
    std::sort(pairs.begin(), pairs.end());
    for (auto const& [a, b] : pairs) {
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return xx > 0.0 && yy > 0.0 ? xy / (std::sqrt(xx) * std::sqrt(yy)) : none;
}

double spearman(std::span<double const> x, std::span<double const> y) { return pearson(ranks(x), ranks(y)); }

double kendall_tau_b(std::span<double const> x, std::span<double const> y) {
    double agree = 0.0, of_x = 0.0, of_y = 0.0;
    auto const sign = [](double v) { return static_cast<double>((v > 0.0) - (v < 0.0)); };
    for (std::size_t i = 0; i < x.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            double const sx = sign(x[i] - x[j]);
            double const sy = sign(y[i] - y[j]);
            agree += sx * sy;
            of_x += sx * sx;
            of_y += sy * sy;
        }
    return of_x > 0.0 && of_y > 0.0 ? agree / (std::sqrt(of_x) * std::sqrt(of_y)) : none;
}

FisherTest fisher_test(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    // Given the margins, a decides the table; log weights of the central hypergeometric distribution from one a to the next.
    std::uint64_t const row = a + b;
    std::uint64_t const column = a + c;
    std::uint64_t const lo = column > c + d ? column - (c + d) : 0;
    std::uint64_t const hi = std::min(row, column);
    if (a + b + c + d == 0) return {none, none};
    std::vector<double> weight{0.0};
    for (std::uint64_t i = lo; i < hi; ++i) {
        double const up = static_cast<double>(row - i) * static_cast<double>(column - i);
        double const down = static_cast<double>(i + 1) * static_cast<double>(c + d + i + 1 - column);
        weight.push_back(weight.back() + log(up / down));
    }
    double const heaviest = *std::max_element(weight.begin(), weight.end());
    double total = 0.0;
    for (double const w : weight) total += exp(w - heaviest);
    double const observed = exp(weight[a - lo] - heaviest);
    double p = 0.0;
    for (double const w : weight) {
        double const share = exp(w - heaviest);
        if (share <= observed * (1.0 + 1e-7)) p += share;
    }
    p = std::fmin(1.0, p / total);
    if (a == lo && a == hi) return {p, none};
    if (a == lo) return {p, 0.0};
    if (a == hi) return {p, std::numeric_limits<double>::infinity()};
    // R's way to the odds ratio under which a is expected: of 1 / ratio where a is above the expectation of a ratio of 1, by uniroot's
    // default tolerance.
    auto const expected = [&](double odds) {
        if (odds == 0.0) return static_cast<double>(lo);
        double const log_odds = log(odds);
        double top = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < weight.size(); ++i) top = std::fmax(top, weight[i] + log_odds * static_cast<double>(i));
        double sum = 0.0, moment = 0.0;
        for (std::size_t i = 0; i < weight.size(); ++i) {
            double const share = exp(weight[i] + log_odds * static_cast<double>(i) - top);
            sum += share;
            moment += share * static_cast<double>(lo + i);
        }
        return moment / sum;
    };
    double const found = static_cast<double>(a);
    double const at_one = expected(1.0);
    if (at_one > found) return {p, root_between(0.0, 1.0, [&](double t) { return expected(t) - found; })};
    if (at_one < found)
        return {p, 1.0 / root_between(std::numeric_limits<double>::epsilon(), 1.0, [&](double t) { return expected(1.0 / t) - found; })};
    return {p, 1.0};
}

std::vector<double> adjusted(std::span<double const> p, Adjustment how) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < p.size(); ++i)
        if (!std::isnan(p[i])) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return p[x] < p[y]; });
    double const n = static_cast<double>(order.size());
    double harmonic = 0.0;
    for (double i = 1.0; i <= n; ++i) harmonic += 1.0 / i;
    std::vector<double> out(p.size(), none);
    if (how == Adjustment::bonferroni || how == Adjustment::holm) {
        double largest = 0.0;
        for (std::size_t i = 0; i < order.size(); ++i) {
            double const factor = how == Adjustment::holm ? n - static_cast<double>(i) : n;
            largest = how == Adjustment::holm ? std::fmax(largest, factor * p[order[i]]) : factor * p[order[i]];
            out[order[i]] = std::fmin(1.0, largest);
        }
        return out;
    }
    double smallest = std::numeric_limits<double>::infinity();
    for (std::size_t i = order.size(); i-- > 0;) {
        double const rank = static_cast<double>(i + 1);
        double const factor =
            how == Adjustment::hochberg ? n - rank + 1.0 : (how == Adjustment::benjamini_yekutieli ? harmonic : 1.0) * n / rank;
        smallest = std::fmin(smallest, factor * p[order[i]]);
        out[order[i]] = std::fmin(1.0, smallest);
    }
    return out;
}

}  // namespace marrowlink::analysis
