#include "central/analysis/elementary.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>

using namespace marrowlink;

namespace {
// The same numbers in every run.
struct Sequence {
    std::uint64_t state = 1;
    double between(double lo, double hi) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        return lo + (hi - lo) * static_cast<double>(state >> 11) * 0x1p-53;
    }
};

double ulps(double value, long double exact) {
    double const near = std::fabs(static_cast<double>(exact));
    return static_cast<double>(std::fabs(static_cast<long double>(value) - exact)) / (std::nextafter(near, 1e308) - near);
}
}  // namespace

TEST_CASE("elementary functions are within two units of the last place of the exact value") {
    Sequence sequence;
    double worst = 0.0;
    for (int i = 0; i < 200'000; ++i) {
        double const x = sequence.between(-700.0, 700.0);
        worst = std::fmax(worst, ulps(analysis::exp(x), std::exp(static_cast<long double>(x))));
        worst = std::fmax(worst, ulps(analysis::exp_clamped(x), std::exp(static_cast<long double>(x))));
        double const y = std::exp(sequence.between(-600.0, 600.0));
        worst = std::fmax(worst, ulps(analysis::log(y), std::log(static_cast<long double>(y))));
        double const near_one = sequence.between(0.5, 2.0);
        worst = std::fmax(worst, ulps(analysis::log(near_one), std::log(static_cast<long double>(near_one))));
        double const z = sequence.between(-300.0, 300.0);
        worst = std::fmax(worst, ulps(analysis::exp10(z), std::pow(10.0L, static_cast<long double>(z))));
        double const w = sequence.between(-60.0, 60.0);
        worst = std::fmax(worst, ulps(analysis::log1p_exp(w), std::log1p(std::exp(static_cast<long double>(w)))));
        double const angle = sequence.between(-1000.0, 1000.0);
        worst = std::fmax(worst, ulps(analysis::sin(angle), std::sin(static_cast<long double>(angle))));
        worst = std::fmax(worst, ulps(analysis::cos(angle), std::cos(static_cast<long double>(angle))));
    }
    INFO("worst error " << worst << " ulp");
    CHECK(worst < 2.0);
}

TEST_CASE("elementary functions at their ends") {
    double const infinite = std::numeric_limits<double>::infinity();
    CHECK(analysis::exp(0.0) == 1.0);
    CHECK(analysis::exp(710.0) == infinite);
    CHECK(analysis::exp(-746.0) == 0.0);
    CHECK(analysis::exp_clamped(-infinite) == analysis::exp_clamped(-700.0));
    CHECK(analysis::log(1.0) == 0.0);
    CHECK(analysis::log(0.0) == -infinite);
    CHECK(std::isnan(analysis::log(-1.0)));
    CHECK(analysis::log(5e-324) == Approx(std::log(5e-324)).epsilon(1e-15));
    CHECK(analysis::exp10(2.0) == Approx(100.0).epsilon(1e-15));
    CHECK(analysis::pow(3.0, 4.0) == 81.0);
    CHECK(analysis::pow(-2.0, 3.0) == -8.0);
    CHECK(analysis::pow(2.0, -2.0) == 0.25);
    CHECK(analysis::pow(2.0, 0.5) == Approx(std::sqrt(2.0)).epsilon(1e-15));
}
