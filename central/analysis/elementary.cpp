#include "central/analysis/elementary.hpp"

#include <initializer_list>

namespace marrowlink::analysis {
using namespace elementary_detail;

namespace {
// e^r 2^k in two steps, so that results near the limits of doubles are reached.
double scaled_exp(double r, std::int64_t k) {
    std::int64_t const half = k / 2;
    return exp_near_zero(r) * power_of_two(half) * power_of_two(k - half);
}
}  // namespace

double exp(double x) {
    if (std::isnan(x)) return x;
    if (x > 709.782712893384) return std::numeric_limits<double>::infinity();
    if (x < -745.2) return 0.0;
    auto const [r, k] = reduced_by_ln_2(x);
    return scaled_exp(r, k);
}

double log(double x) {
    if (std::isnan(x) || x < 0.0) return std::numeric_limits<double>::quiet_NaN();
    if (x == 0.0) return -std::numeric_limits<double>::infinity();
    if (std::isinf(x)) return x;
    std::int64_t k = 0;
    if (x < 2.2250738585072014e-308) {
        x *= 18014398509481984.0;  // 2^54
        k = -54;
    }
    auto bits = std::bit_cast<std::uint64_t>(x);
    k += static_cast<std::int64_t>(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffULL) | 0x3ff0000000000000ULL;
    double m = std::bit_cast<double>(bits);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k += 1;
    }
    // ln m = 2 artanh(s) with s = f / (2 + f); written so that f, which is exact, carries the leading part.
    double const f = m - 1.0;
    double const s = f / (2.0 + f);
    double const z = s * s;
    double sum = 2.0 / 23.0;
    for (double const n : {21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0}) sum = sum * z + 2.0 / n;
    double const half_square = 0.5 * f * f;
    auto const whole = static_cast<double>(k);
    return whole * ln_2_high - ((half_square - (s * (half_square + z * sum) + whole * ln_2_low)) - f);
}

double exp10(double x) {
    if (std::isnan(x)) return x;
    if (x > 308.3) return std::numeric_limits<double>::infinity();
    if (x < -323.7) return 0.0;
    // log10(2) in two parts, the first short enough for k * part to be exact.
    auto const [r, k] = reduced(x, 3.32192809488736234787, 0.30102999566406652, -8.5323443170571066e-14);
    return scaled_exp(r * ln_10, k);
}

double pow(double x, double y) {
    if (y == std::floor(y) && std::fabs(y) <= 64.0) {
        auto n = static_cast<int>(std::fabs(y));
        double product = 1.0;
        for (double factor = x; n > 0; n >>= 1, factor *= factor)
            if ((n & 1) != 0) product *= factor;
        return y < 0.0 ? 1.0 / product : product;
    }
    if (x < 0.0)
        return y == std::floor(y) ? (std::fmod(y, 2.0) == 0.0 ? 1.0 : -1.0) * exp(y * log(-x)) : std::numeric_limits<double>::quiet_NaN();
    return exp(y * log(x));
}

double log1p_exp(double x) {
    if (x > 40.0) return x;
    if (x < -40.0) return exp(x);
    // ln(1 + t) for a small t keeps t's digits by the correction that 1 + t lost.
    double const t = exp(x);
    double const one_more = 1.0 + t;
    return log(one_more) + (t - (one_more - 1.0)) / one_more;
}

namespace {
// sin and cos of |r| <= pi / 4 by their series.
double sin_near_zero(double r) {
    double const z = r * r;
    double sum = 0.0;
    for (double const n : {272.0, 210.0, 156.0, 110.0, 72.0, 42.0, 20.0, 6.0}) sum = z * (1.0 - sum) / n;
    return r - r * sum;
}
double cos_near_zero(double r) {
    double const z = r * r;
    double sum = 0.0;
    for (double const n : {306.0, 240.0, 182.0, 132.0, 90.0, 56.0, 30.0, 12.0}) sum = z * (1.0 - sum) / n;
    return 1.0 - 0.5 * z * (1.0 - sum);
}
struct Quarter {
    double r;
    int quadrant;
};
Quarter quarter_of(double x) {
    double const k = std::floor(x * 0.63661977236758134308 + 0.5);
    // pi / 2 in three parts, the first two of 33 bits.
    double const r = ((x - k * 1.57079632673412561417e+00) - k * 6.07710050630396597660e-11) - k * 2.02226624879595063154e-21;
    return {r, static_cast<int>(static_cast<std::int64_t>(k) & 3)};
}
}  // namespace

double sin(double x) {
    auto const [r, quadrant] = quarter_of(x);
    double const value = (quadrant & 1) != 0 ? cos_near_zero(r) : sin_near_zero(r);
    return quadrant >= 2 ? -value : value;
}

double cos(double x) {
    auto const [r, quadrant] = quarter_of(x);
    double const value = (quadrant & 1) != 0 ? sin_near_zero(r) : cos_near_zero(r);
    return quadrant == 1 || quadrant == 2 ? -value : value;
}

}  // namespace marrowlink::analysis
