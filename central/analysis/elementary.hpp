// exp, log and powers that give the same bits on every processor, compiler and optimisation level, which the C library's do not promise:
// IEEE additions, multiplications and divisions only, in the order written, never contracted (-ffp-contract=off for all that includes
// this). Errors stay below 2 ulp (tests/central/analysis/elementary_test.cpp). Inline, so that a loop over doses is vectorised.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace marrowlink::analysis {

inline constexpr double ln_10 = 2.302585092994045684;
inline constexpr double log10_e = 0.43429448190325182765;

namespace elementary_detail {
inline constexpr double ln_2_high = 6.93147180369123816490e-01;  // the first 32 bits, so that k * ln_2_high is exact
inline constexpr double ln_2_low = 1.90821492927058770002e-10;
inline constexpr double rounder =
    6755399441055744.0;  // 1.5 * 2^52: adding it rounds to a whole number and leaves that number in the lowest bits

// 2^k of |k| <= 1022.
inline double power_of_two(std::int64_t k) { return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52); }

// e^r of |r| <= ln 2 / 2, by its series: the first term left out is 4e-18.
inline double exp_near_zero(double r) {
    double sum = 1.0 / 6227020800.0;
    sum = sum * r + 1.0 / 479001600.0;
    sum = sum * r + 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    return 1.0 + (r + r * r * sum);
}

// x = k * step + r with a whole k, for exponentials of a base: `per_step` is 1 / step, `high` and `low` are step in two parts.
struct Reduced {
    double r;
    std::int64_t k;
};
inline Reduced reduced(double x, double per_step, double high, double low) {
    double const shifted = x * per_step + rounder;
    double const k = shifted - rounder;
    return {(x - k * high) - k * low,
            static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(shifted) - std::bit_cast<std::uint64_t>(rounder))};
}
inline Reduced reduced_by_ln_2(double x) { return reduced(x, 1.44269504088896340736, ln_2_high, ln_2_low); }
}  // namespace elementary_detail

// e^x, for arguments clamped to [-700, 700]: for logistic curves, where what is beyond is 0 or 1. No branch, no NaN for an infinite x.
inline double exp_clamped(double x) {
    using namespace elementary_detail;
    x = x < -700.0 ? -700.0 : x;
    x = x > 700.0 ? 700.0 : x;
    auto const [r, k] = reduced_by_ln_2(x);
    return exp_near_zero(r) * power_of_two(k);
}

// e^x: 0 below -745.2, infinity above 709.8, NaN of NaN.
double exp(double x);
// Natural logarithm: -infinity of 0, NaN below it.
double log(double x);
inline double log10(double x) { return log(x) * log10_e; }
double exp10(double x);          // 10^x
double pow(double x, double y);  // x >= 0, or y a whole number of at most 2^31
double log1p_exp(double x);      // ln(1 + e^x), without overflow and without loss for large |x|
double sin(double x);            // |x| <= 1e5
double cos(double x);

}  // namespace marrowlink::analysis
