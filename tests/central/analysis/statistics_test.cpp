#include "central/analysis/statistics.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "central/analysis/cohort.hpp"
#include "central/analysis/hypothesis.hpp"
#include "central/analysis/plate_quality.hpp"
#include "central/analysis/synergy.hpp"

using namespace marrowlink::analysis;

TEST_CASE("summaries of samples") {
    std::vector<double> const values{3.0, 1.0, 4.0, 1.0, 5.0, 9.0};
    CHECK(median(values) == 3.5);
    CHECK(quantile(values, 0.25) == 1.5);
    CHECK(mad(values) == Approx(1.4826 * 2.0));
    CHECK(ranks(values) == std::vector<double>{3.0, 1.5, 4.0, 1.5, 5.0, 6.0});
    CHECK(tie_term(values) == 6.0);
    CHECK(std::isnan(variance(std::vector<double>{1.0})));
    CHECK(std::isnan(mean(std::vector<double>{})));
}

TEST_CASE("exact rank tests are what counting every arrangement gives") {
    std::vector<double> const change{1.3, -0.4, 2.2, 0.9, -1.7, 3.1, 0.2};
    auto const test = signed_rank_test(change);
    REQUIRE(test.exact);
    int as_far = 0;
    for (int signs = 0; signs < 128; ++signs) {
        double sum = 0.0;
        for (int i = 0; i < 7; ++i)
            if ((signs >> i & 1) != 0) sum += i + 1;
        as_far += std::fabs(sum - 14.0) >= std::fabs(test.statistic - 14.0);
    }
    CHECK(test.p == Approx(as_far / 128.0).epsilon(1e-12));

    std::vector<double> const x{1.1, 2.7, 3.9}, y{0.4, 0.9, 2.2, 1.6};
    auto const two = mann_whitney_test(x, y);
    REQUIRE(two.exact);
    int all = 0, far = 0;
    for (int a = 1; a <= 7; ++a)
        for (int b = a + 1; b <= 7; ++b)
            for (int c = b + 1; c <= 7; ++c) {
                ++all;
                far += std::fabs(a + b + c - 6 - 6.0) >= std::fabs(two.statistic - 6.0);
            }
    CHECK(two.p == Approx(static_cast<double>(far) / all).epsilon(1e-12));
    CHECK_FALSE(signed_rank_test(std::vector<double>{1.0, 1.0, 2.0}).exact);
    CHECK_FALSE(signed_rank_test(std::vector<double>{0.0, 1.0, 2.0}).exact);
}

TEST_CASE("adjusted p values keep their order and never fall below the raw ones") {
    std::vector<double> const p{0.04, 0.001, std::nan(""), 0.03, 0.5};
    for (auto const how : {Adjustment::bonferroni, Adjustment::holm, Adjustment::hochberg, Adjustment::benjamini_hochberg,
                           Adjustment::benjamini_yekutieli}) {
        auto const q = adjusted(p, how);
        CHECK(std::isnan(q[2]));
        for (std::size_t i : {0u, 1u, 3u, 4u}) {
            CHECK(q[i] >= p[i]);
            CHECK(q[i] <= 1.0);
        }
        CHECK(q[1] <= q[3]);
        CHECK(q[3] <= q[0]);
    }
    CHECK(adjusted(p, Adjustment::benjamini_hochberg)[1] == Approx(0.004));
}

TEST_CASE("Fisher's test at the ends of its table") {
    CHECK(fisher_test(0, 5, 5, 0).odds_ratio == 0.0);
    CHECK(std::isinf(fisher_test(5, 0, 0, 5).odds_ratio));
    CHECK(fisher_test(5, 0, 0, 5).p == Approx(2.0 / 252.0));
    CHECK(fisher_test(3, 3, 3, 3).p == Approx(1.0));
}

TEST_CASE("wells are named as plates name them") {
    CHECK(well_position("A1").column == 1);
    CHECK(well_position("p24").row == 16);
    CHECK(well_position("AF48").row == 32);
    CHECK(well_position("A0").row == 0);
    CHECK(well_position("1A").row == 0);
    CHECK(well_position("A").row == 0);
    CHECK(well_position("A123").row == 0);
    CHECK(role_of("DMSO") == Role::negative);
    CHECK(role_of("Vorinostat") == Role::sample);
}

namespace {
// 384 wells, controls scattered, negative at 1000 and positive at 100 with this spread.
std::vector<PlateWell> plate(double spread, double edge = 1.0) {
    std::vector<PlateWell> wells;
    for (std::uint32_t row = 1; row <= 16; ++row)
        for (std::uint32_t column = 1; column <= 24; ++column) {
            PlateWell well{row, column, Role::sample, 500.0};
            double const wobble = spread * (static_cast<double>((row * 7 + column * 11) % 13) - 6.0) / 6.0;
            bool const outer = row == 1 || row == 16 || column == 1 || column == 24;
            if ((row + column) % 8 == 0) well = {row, column, Role::negative, (1000.0 + wobble) * (outer ? edge : 1.0)};
            if ((row + column) % 8 == 4) well = {row, column, Role::positive, 100.0 + wobble * 0.1};
            wells.push_back(well);
        }
    return wells;
}
}  // namespace

TEST_CASE("a plate's verdict has three states and names what is out") {
    CHECK(quality_of(plate(40.0)).verdict == Verdict::pass);
    auto const noisy = quality_of(plate(260.0));
    CHECK(noisy.verdict == Verdict::review);
    REQUIRE_FALSE(noisy.reasons.empty());
    CHECK(noisy.reasons.front().find("wanted at least 0.5") != std::string::npos);
    CHECK(quality_of(plate(900.0)).verdict == Verdict::fail);
    CHECK(quality_of(plate(40.0, 0.7)).verdict == Verdict::fail);
    auto wells = plate(40.0);
    for (auto& well : wells)
        if (well.role == Role::positive && well.row > 2) well.role = Role::sample;
    auto const few = quality_of(wells);
    CHECK((few.positives < positives_min) == (few.verdict == Verdict::not_evaluable));
    auto const none = quality_of(std::vector<PlateWell>{{1, 1, Role::sample, 3.0}});
    CHECK(none.verdict == Verdict::not_evaluable);
    CHECK(none.reasons.front() == "0 negative and 0 positive controls; at least 8 and 4 are needed");
    // The interval of Z' holds Z'.
    auto const good = quality_of(plate(100.0));
    CHECK(good.zprime_lo < good.zprime_sample);
    CHECK(good.zprime_hi > good.zprime_sample);
}

TEST_CASE("plates without controls give no inhibition, never a number that looks real") {
    Normalisation const none(Controls{});
    auto const inhibition = none(500.0);
    CHECK(std::isnan(inhibition.npi_mean));
    CHECK(std::isnan(inhibition.npi_iqr));
    CHECK(std::isnan(inhibition.npi_median));
    Normalisation const equal(Controls{{5.0, 5.0}, {5.0}, {}});
    CHECK(std::isnan(equal(5.0).npi_mean));
    Normalisation const good(Controls{{100.0, 110.0, 90.0}, {10.0, 10.0}, {}});
    CHECK(good(55.0).npi_median == Approx(50.0));
}

TEST_CASE("change from diagnosis to relapse") {
    std::vector<double> const first{10, 12, 8, 15}, last{12, 15, 9, 20};
    auto const change = paired_change(first, last);
    CHECK(change.mean_delta == Approx(2.75));
    CHECK(change.sdc95 == Approx(1.96 * change.sd_delta));
    CHECK(change.hodges_lehmann == Approx(2.75));
    CHECK(change.detectable_mean_delta == Approx(2.8015852 * change.sd_delta / 2.0).epsilon(1e-6));
    auto const same = paired_change(first, first);
    CHECK(std::isnan(same.t.p));
    CHECK(same.icc1 == Approx(1.0));
}

TEST_CASE("drug combinations: excess over what the drugs do alone, with its sign") {
    std::vector<Combination> plate;
    for (double const c1 : {0.0, 1.0, 10.0, 100.0})
        for (double const c2 : {0.0, 1.0, 10.0, 100.0}) {
            double const a = c1 > 0.0 ? 20.0 * std::log10(c1) + 10.0 : 0.0;
            double const b = c2 > 0.0 ? 15.0 * std::log10(c2) + 5.0 : 0.0;
            plate.push_back({c1, c2, a + b - a * b / 100.0});
        }
    auto const independent = synergy_of(plate);
    REQUIRE(independent.not_evaluable.empty());
    CHECK(independent.mean_bliss == Approx(0.0).margin(1e-12));
    CHECK(independent.mean_hsa > 0.0);
    plate.back().response += 10.0;
    CHECK(synergy_of(plate).max_bliss == Approx(10.0));
    auto twice = plate;
    twice.push_back(plate.front());
    CHECK(synergy_of(twice).not_evaluable == "0 with 0 occurs twice");
    auto lacking = plate;
    lacking.erase(lacking.begin() + 4);
    CHECK(synergy_of(lacking).not_evaluable == "no response of drug 1 alone at 1");
}
