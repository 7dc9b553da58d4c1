#include "central/analysis/plate_quality.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "central/analysis/hypothesis.hpp"
#include "central/analysis/statistics.hpp"
#include "core/text.hpp"

namespace marrowlink::analysis {
namespace {
constexpr double none = std::numeric_limits<double>::quiet_NaN();

struct Word {
    std::string_view text;
    Role role;
};
constexpr Word words[] = {{"dmso", Role::negative},       {"neg", Role::negative},  {"negative", Role::negative},
                          {"vehicle", Role::negative},    {"bzcl", Role::positive}, {"pos", Role::positive},
                          {"positive", Role::positive},   {"kill", Role::positive}, {"cells", Role::untreated},
                          {"untreated", Role::untreated}, {"empty", Role::empty},   {"blank", Role::empty}};

struct Slope {
    double value = none, se = none;
};
Slope slope_of(std::span<double const> x, std::span<double const> y) {
    if (x.size() < 3) return {};
    double const mx = mean(x), my = mean(y);
    double xx = 0.0, xy = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
    }
    if (!(xx > 0.0)) return {};
    double const slope = xy / xx;
    double rest = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        double const r = y[i] - my - slope * (x[i] - mx);
        rest += r * r;
    }
    return {slope, std::sqrt(rest / static_cast<double>(x.size() - 2) / xx)};
}

struct Gate {
    std::string_view name;
    double value, pass, review;  // at least `pass` passes, at least `review` is reviewed
    bool upper = false;          // at most, instead
};
Verdict judged(Gate const& gate, std::vector<std::string>& reasons) {
    if (std::isnan(gate.value)) return Verdict::pass;
    auto const meets = [&](double limit) { return gate.upper ? gate.value <= limit : gate.value >= limit; };
    if (meets(gate.pass)) return Verdict::pass;
    bool const review = meets(gate.review);
    reasons.push_back(fmt::format("{} {:.3g}, wanted {} {:g}", gate.name, gate.value, gate.upper ? "at most" : "at least", gate.pass));
    return review ? Verdict::review : Verdict::fail;
}
}  // namespace

Role role_of(std::string_view word) {
    std::string const lower = lower_case(word);
    for (Word const& known : words)
        if (lower == known.text) return known.role;
    return Role::sample;
}

WellPosition well_position(std::string_view name) {
    WellPosition out;
    std::size_t at = 0;
    for (; at < name.size() && at < 2; ++at) {
        char const c = name[at] >= 'a' && name[at] <= 'z' ? static_cast<char>(name[at] - 'a' + 'A') : name[at];
        if (c < 'A' || c > 'Z') break;
        out.row = out.row * 26 + static_cast<std::uint32_t>(c - 'A' + 1);
    }
    if (at == 0 || at == name.size() || name.size() - at > 2) return {};
    for (; at < name.size(); ++at) {
        if (name[at] < '0' || name[at] > '9') return {};
        out.column = out.column * 10 + static_cast<std::uint32_t>(name[at] - '0');
    }
    return out.column == 0 ? WellPosition{} : out;
}

Controls Controls::of(std::span<PlateWell const> wells) {
    Controls out;
    for (PlateWell const& well : wells) {
        if (std::isnan(well.signal)) continue;
        if (well.role == Role::negative) out.negative.push_back(well.signal);
        if (well.role == Role::positive) out.positive.push_back(well.signal);
        if (well.role == Role::untreated) out.untreated.push_back(well.signal);
    }
    return out;
}

std::vector<double> within_fences(std::span<double const> values) {
    double const q1 = quantile(values, 0.25);
    double const q3 = quantile(values, 0.75);
    double const reach = 1.5 * (q3 - q1);
    std::vector<double> out;
    for (double const value : values)
        if (value >= q1 - reach && value <= q3 + reach) out.push_back(value);
    return out;
}

std::vector<bool> outlying_controls(std::span<PlateWell const> wells) {
    auto const controls = Controls::of(wells);
    auto const negative = within_fences(controls.negative);
    auto const positive = within_fences(controls.positive);
    std::vector<bool> out;
    for (PlateWell const& well : wells) {
        bool const control = well.role == Role::negative || well.role == Role::positive;
        auto const& kept = well.role == Role::negative ? negative : positive;
        out.push_back(control && !std::isnan(well.signal) && std::find(kept.begin(), kept.end(), well.signal) == kept.end());
    }
    return out;
}

Normalisation::Normalisation(Controls const& controls)
    : mean_n_(mean(controls.negative)),
      mean_p_(mean(controls.positive)),
      iqr_n_(mean(within_fences(controls.negative))),
      iqr_p_(mean(within_fences(controls.positive))),
      median_n_(median(controls.negative)),
      median_p_(median(controls.positive)) {}

Inhibition Normalisation::operator()(double signal) const {
    auto const percent = [&](double n, double p) { return n == p ? none : 100.0 * (n - signal) / (n - p); };
    return {percent(mean_n_, mean_p_), percent(iqr_n_, iqr_p_), percent(median_n_, median_p_), 100.0 * signal / mean_n_};
}

double Normalisation::viability_median(double signal) const { return (signal - median_p_) / (median_n_ - median_p_); }

std::string_view name_of(Verdict verdict) {
    constexpr std::string_view names[] = {"pass", "review", "fail", "not evaluable"};
    return names[static_cast<std::size_t>(verdict)];
}

PlateQuality quality_of(std::span<PlateWell const> as_they_came) {
    PlateQuality q{};
    std::vector<PlateWell> wells(as_they_came.begin(), as_they_came.end());
    std::sort(wells.begin(), wells.end(), [](PlateWell const& a, PlateWell const& b) {
        return std::pair{a.row, a.column} < std::pair{b.row, b.column};
    });
    auto const controls = Controls::of(wells);
    std::uint32_t rows = 0, columns = 0;
    for (PlateWell const& well : wells) {
        rows = std::max(rows, well.row);
        columns = std::max(columns, well.column);
    }
    std::vector<double> positives_inside, outer, inner, first_column, last_column, at_row, at_column, level;
    for (PlateWell const& well : wells) {
        if (std::isnan(well.signal)) continue;
        ++q.wells;
        if (well.role == Role::positive && well.column != columns) positives_inside.push_back(well.signal);
        if (well.role == Role::untreated && well.column == 1) first_column.push_back(well.signal);
        if (well.role == Role::untreated && well.column == columns) last_column.push_back(well.signal);
        if (well.role != Role::negative && well.role != Role::untreated) continue;
        bool const edge = well.row == 1 || well.row == rows || well.column == 1 || well.column == columns;
        (edge ? outer : inner).push_back(well.signal);
        at_row.push_back(static_cast<double>(well.row));
        at_column.push_back(static_cast<double>(well.column));
        level.push_back(well.signal);
    }
    auto const& n = controls.negative;
    auto const& p = controls.positive;
    q.negatives = n.size();
    q.positives = p.size();
    q.untreated = controls.untreated.size();
    q.positives_outside_last_column = positives_inside.size();
    auto const cv = [](std::span<double const> values) { return 100.0 * standard_deviation(values) / mean(values); };
    q.mean_negative = mean(n);
    q.sd_negative = standard_deviation(n);
    q.population_sd_negative = population_deviation(n);
    q.median_negative = median(n);
    q.mad_negative = mad(n);
    q.cv_negative_pct = cv(n);
    q.mean_positive = mean(p);
    q.sd_positive = standard_deviation(p);
    q.median_positive = median(p);
    q.mad_positive = mad(p);
    q.cv_positive_pct = cv(p);
    double const window = std::fabs(q.mean_negative - q.mean_positive);
    q.zprime_sample = 1.0 - 3.0 * (q.sd_negative + q.sd_positive) / window;
    q.zprime_population_breeze = 1.0 - 3.0 * (q.population_sd_negative + population_deviation(positives_inside)) /
                                           std::fabs(q.mean_negative - mean(positives_inside));
    q.zprime_robust = 1.0 - 3.0 * (q.mad_negative + q.mad_positive) / std::fabs(q.median_negative - q.median_positive);
    q.ssmd = (q.mean_negative - q.mean_positive) / std::sqrt(q.sd_negative * q.sd_negative + q.sd_positive * q.sd_positive);
    q.ssmd_robust = (q.median_negative - q.median_positive) / std::sqrt(q.mad_negative * q.mad_negative + q.mad_positive * q.mad_positive);
    q.signal_to_background = q.mean_negative / q.mean_positive;
    q.signal_to_noise = (q.mean_negative - q.mean_positive) / q.sd_positive;
    q.signal_window = (q.mean_negative - q.mean_positive - 3.0 * (q.sd_negative + q.sd_positive)) / q.sd_negative;
    q.edge_ratio = median(outer) / median(inner);
    q.cv_untreated_first_column = cv(first_column);
    q.cv_untreated_last_column = cv(last_column);
    q.edge_p = mann_whitney_test(outer, inner).p;
    double const middle = median(level);
    auto const by_row = slope_of(at_row, level);
    auto const by_column = slope_of(at_column, level);
    q.row_gradient = 100.0 * by_row.value / middle;
    q.row_gradient_se = 100.0 * by_row.se / middle;
    q.column_gradient = 100.0 * by_column.value / middle;
    q.column_gradient_se = 100.0 * by_column.se / middle;
    // Z' = 1 - 3 (sN + sP) / (mN - mP): the variance of an SD is s^2 / (2 (n - 1)), of a mean s^2 / n.
    auto const of_sd = [](double s, std::size_t count) { return s * s / (2.0 * static_cast<double>(count - 1)); };
    auto const of_mean = [](double s, std::size_t count) { return s * s / static_cast<double>(count); };
    double const spread = q.sd_negative + q.sd_positive;
    double const se =
        n.size() > 1 && p.size() > 1
            ? 3.0 / window *
                  std::sqrt(of_sd(q.sd_negative, n.size()) + of_sd(q.sd_positive, p.size()) +
                            spread * spread / (window * window) * (of_mean(q.sd_negative, n.size()) + of_mean(q.sd_positive, p.size())))
            : none;
    q.zprime_lo = q.zprime_sample - 1.959963984540054 * se;
    q.zprime_hi = std::fmin(1.0, q.zprime_sample + 1.959963984540054 * se);
    if (n.size() < negatives_min || p.size() < positives_min) {
        q.reasons.push_back(fmt::format("{} negative and {} positive controls; at least {} and {} are needed", n.size(), p.size(),
                                        negatives_min, positives_min));
        return q;
    }
    q.verdict = Verdict::pass;
    for (Gate const& gate :
         {Gate{"Z'", q.zprime_sample, 0.5, 0.0}, Gate{"robust Z'", q.zprime_robust, 0.5, 0.0}, Gate{"SSMD", std::fabs(q.ssmd), 6.0, 3.0},
          Gate{"CV of negative controls (%)", q.cv_negative_pct, 10.0, 20.0, true},
          Gate{"CV of untreated wells (%)", controls.untreated.size() > 1 ? cv(controls.untreated) : none, 10.0, 20.0, true},
          Gate{"outer / inner", q.edge_ratio, 0.9, 0.8}, Gate{"outer / inner", q.edge_ratio, 1.1, 1.2, true},
          Gate{"signal to background", q.signal_to_background, 5.0, 3.0}})
        q.verdict = std::max(q.verdict, judged(gate, q.reasons));
    return q;
}

}  // namespace marrowlink::analysis
