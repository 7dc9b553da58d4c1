#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "central/analysis/dose_response.hpp"
#include "central/analysis/dss.hpp"
#include "central/analysis/fimm.hpp"
#include "central/analysis/growth_rate.hpp"
#include "central/analysis/probit.hpp"
#include "simulated_curve.hpp"

using namespace marrowlink::analysis;

namespace {
struct Noise {
    std::uint64_t state = 7;
    double next(double size) {
        double sum = 0.0;
        for (int i = 0; i < 4; ++i) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            sum += static_cast<double>(state >> 11) * 0x1p-53 - 0.5;
        }
        return size * sum;
    }
};

double simpson(auto const& f, double from, double to) {
    constexpr int steps = 20'000;
    double const h = (to - from) / steps;
    double sum = f(from) + f(to);
    for (int i = 1; i < steps; ++i) sum += (i % 2 == 0 ? 2.0 : 4.0) * f(from + h * i);
    return sum * h / 3.0;
}
}  // namespace

TEST_CASE("a curve without noise is found again") {
    for (double const slope : {0.4, 1.0, 2.3, 6.0})
        for (double const midpoint : {0.8, 2.0, 3.4}) {
            auto const truth = curve(slope, midpoint, 91.0, 3.0);
            std::vector<double> x, y;
            for (int i = 0; i < 9; ++i) {
                x.push_back(0.5 * i);
                y.push_back(truth(x.back()));
            }
            auto const doses = Doses::of(x, y);
            auto const fit = fit_logistic(doses, wide_bounds(doses));
            CHECK(fit.slope == Approx(slope).epsilon(1e-6));
            CHECK(fit.midpoint == Approx(midpoint).epsilon(1e-6));
            CHECK(fit.bottom == Approx(3.0).epsilon(1e-6));
            CHECK(fit.top == Approx(91.0).epsilon(1e-6));
            CHECK(fit.sse < 1e-12);
        }
}

TEST_CASE("no point of a fine grid lies below the fit, however noisy the curve") {
    Noise noise;
    LogisticBounds const bounds{{0.1, 2.5}, {0.0, 4.0}, {0.0, 100.0}, {0.0, 0.0}};
    for (int round = 0; round < 60; ++round) {
        std::vector<double> x, y;
        auto const truth = curve(0.3 + 0.05 * round, 0.1 * (round % 40), 20.0 + round);
        for (int i = 0; i < 5; ++i) {
            x.push_back(i);
            y.push_back(truth(x.back()) + noise.next(60.0));
        }
        auto const doses = Doses::of(x, y);
        auto const fit = fit_logistic(doses, bounds);
        double least = 1e300;
        for (int b = 0; b <= 120; ++b)
            for (int m = 0; m <= 200; ++m) {
                double const slope = std::exp(std::log(0.1) + (std::log(2.5) - std::log(0.1)) * b / 120.0);
                double gg = 0.0, gy = 0.0;
                auto const shape = curve(slope, 4.0 * m / 200.0, 1.0);
                for (std::size_t i = 0; i < x.size(); ++i) {
                    gg += shape(x[i]) * shape(x[i]);
                    gy += shape(x[i]) * y[i];
                }
                double const top = std::clamp(gy / gg, 0.0, 100.0);
                double sse = 0.0;
                for (std::size_t i = 0; i < x.size(); ++i) sse += (y[i] - top * shape(x[i])) * (y[i] - top * shape(x[i]));
                least = std::min(least, sse);
            }
        INFO("round " << round);
        CHECK(fit.sse <= least * (1.0 + 1e-9) + 1e-9);
        CHECK(fit.slope >= 0.1);
        CHECK(fit.slope <= 2.5);
        CHECK(fit.grid_minima >= 1);
    }
}

TEST_CASE("the order in which wells arrive does not change a bit") {
    Noise noise;
    std::vector<double> x, y;
    for (int i = 0; i < 24; ++i) {
        x.push_back(i / 3);
        y.push_back(curve(1.1, 3.0, 80.0)(x.back()) + noise.next(20.0));
    }
    auto const first = fit_logistic(Doses::of(x, y), wide_bounds(Doses::of(x, y)));
    for (int shuffle = 0; shuffle < 10; ++shuffle) {
        for (std::size_t i = x.size(); i-- > 1;) {
            auto const j = static_cast<std::size_t>(std::fabs(noise.next(1e6))) % (i + 1);
            std::swap(x[i], x[j]);
            std::swap(y[i], y[j]);
        }
        auto const again = fit_logistic(Doses::of(x, y), wide_bounds(Doses::of(x, y)));
        CHECK(std::memcmp(&first, &again, sizeof first) == 0);
    }
}

TEST_CASE("areas and scores are those of numerical integration") {
    for (double const slope : {0.2, 1.0, 2.5})
        for (double const midpoint : {-0.5, 1.5, 3.9})
            for (double const top : {12.0, 60.0, 100.0}) {
                auto const fit = curve(slope, midpoint, top);
                CHECK(area_under(fit, 0.0, 4.0) == Approx(simpson(fit, 0.0, 4.0)).epsilon(1e-9));
                auto const scores = sensitivity_scores(midpoint, slope, top, 0.0, 4.0, ScoreRule::continuous);
                double const above = simpson([&](double x) { return std::max(0.0, fit(x) - 10.0); }, 0.0, 4.0);
                CHECK(scores.dss1 == Approx(100.0 * above / (90.0 * 4.0)).margin(1e-5));
            }
    // The rule is a jump: the same curve a hair below the highest dose.
    CHECK(sensitivity_scores(4.0, 1.0, 80.0, 0.0, 4.0, ScoreRule::fimm).dss2 == 0.0);
    CHECK(sensitivity_scores(3.999, 1.0, 80.0, 0.0, 4.0, ScoreRule::fimm).dss2 > 0.5);
    CHECK(sensitivity_scores(4.0, 1.0, 80.0, 0.0, 4.0, ScoreRule::continuous).dss2 > 0.5);
    CHECK(sensitivity_scores(2.0, 1.0, 10.0, 0.0, 4.0, ScoreRule::continuous).dss2 == 0.0);
}

TEST_CASE("a level that is not reached within the tested doses is no number") {
    auto const fit = curve(1.0, 3.0, 60.0);
    CHECK(crossing(fit, 50.0, 0.0, 4.0).side == Crossing::Side::within);
    CHECK(crossing(fit, 50.0, 0.0, 3.5).side == Crossing::Side::above_range);
    CHECK(crossing(fit, 50.0, 3.9, 4.5).side == Crossing::Side::below_range);
    CHECK(crossing(fit, 70.0, 0.0, 4.0).side == Crossing::Side::never);
}

TEST_CASE("the profile interval ends where the sum of squares reaches its threshold") {
    Noise noise;
    std::vector<double> x, y;
    for (int i = 0; i < 16; ++i) {
        x.push_back(i / 2 * 0.5);
        y.push_back(curve(1.3, 1.7, 88.0, 2.0)(x.back()) + noise.next(10.0));
    }
    auto const doses = Doses::of(x, y);
    auto const bounds = wide_bounds(doses);
    auto const fit = fit_logistic(doses, bounds);
    auto const interval = profile_interval(fit, doses, bounds);
    // F(0.95; 1, 12) = 4.747225.
    double const threshold = fit.sse * (1.0 + 4.747225346722503 / 12.0);
    CHECK(profile_sse(doses, bounds, interval.lo) == Approx(threshold).epsilon(1e-5));
    CHECK(profile_sse(doses, bounds, interval.hi) == Approx(threshold).epsilon(1e-5));
    CHECK(interval.lo < fit.midpoint);
    CHECK(interval.hi > fit.midpoint);
}

TEST_CASE("the FIMM pipeline's rules") {
    std::vector<double> const conc{1, 10, 100, 1000, 10000};
    CHECK(fimm::fit(conc, std::vector<double>{-3, -1, 0, -2, -9}).scores.dss2 == 0.0);
    CHECK(fimm::fit(std::vector<double>{1, 10, 100}, std::vector<double>{5, 50, 90}).not_evaluable == "3 of 4 doses");
    auto const strong = fimm::fit(conc, std::vector<double>{60, 70, 80, 90, 95});
    CHECK(strong.ic50_nm == 1.0);
    auto const weak = fimm::fit(conc, std::vector<double>{1, 2, 3, 4, 5});
    CHECK(weak.ic50_nm == 10000.0);
    CHECK(weak.scores.dss2 == 0.0);
    // Equal inhibitions are told apart by their place in the file.
    auto const ties = fimm::fit(conc, std::vector<double>{5, 5, 40, 80, 90});
    auto const turned = fimm::fit(std::vector<double>{10000, 1000, 100, 10, 1}, std::vector<double>{90, 80, 40, 5, 5});
    CHECK(ties.fit.sse != turned.fit.sse);
}

TEST_CASE("growth rates of cells that do not divide are not evaluable, and a flat curve is called so") {
    CHECK(gr_value(2000, 1000, 4000) == Approx(std::sqrt(2.0) - 1.0));
    CHECK(gr_value(4000, 1000, 4000) == Approx(1.0));
    std::vector<double> conc, gr;
    for (int i = 0; i < 24; ++i) {
        conc.push_back(std::pow(10.0, i / 3 - 3));
        gr.push_back(0.97 + 0.02 * (i % 3 - 1));
    }
    auto const flat = fit_growth_rate(conc, gr);
    CHECK(flat.kind == GrowthRateCurve::Kind::flat);
    CHECK(std::isinf(flat.gr50));
    CHECK(fit_growth_rate(std::vector<double>{1, 2, 3}, std::vector<double>{1, 0.5, 0.2}).reason == "3 of 4 doses");
}

TEST_CASE("probit regression finds the curve again and says where there is none") {
    std::vector<double> x, v;
    for (int i = -3; i <= 1; ++i) {
        x.push_back(i);
        v.push_back(0.5 * std::erfc(-(0.4 - 1.2 * i) / std::sqrt(2.0)));
    }
    auto const fit = fit_probit(x, v);
    CHECK(fit.b0 == Approx(0.4).epsilon(1e-9));
    CHECK(fit.b1 == Approx(-1.2).epsilon(1e-9));
    CHECK(fit.log10_ic50_um == Approx(0.4 / 1.2).epsilon(1e-9));
    CHECK_FALSE(fit.separated);
    CHECK(fit_probit(x, std::vector<double>{1, 1, 1, 1, 0.5}).separated);
    CHECK_FALSE(fit_probit(std::vector<double>{1, 1, 1}, std::vector<double>{0.2, 0.3, 0.4}).not_evaluable.empty());
}
