// Normalisation and quality of one plate from its control wells (the study's definitions 1.2 and 1.3). No control well is ever removed
// silently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace marrowlink::analysis {

enum class Role : unsigned char { sample, negative, positive, untreated, empty };
// By the words that laboratories use: dmso, neg, vehicle; bzcl, pos, kill; cells, untreated; empty, blank. Anything else is a sample.
Role role_of(std::string_view word);

struct PlateWell {
    std::uint32_t row = 0, column = 0;  // from 1
    Role role = Role::sample;
    double signal = 0.0;  // NaN: not read
};

struct WellPosition {
    std::uint32_t row = 0, column = 0;  // from 1; 0 when the text names no well
};
WellPosition well_position(std::string_view name);  // "A1", "a01"; also beyond AF48, so that a layout can say which plate there is not

struct Controls {
    std::vector<double> negative, positive, untreated;
    static Controls of(std::span<PlateWell const> wells);
};

// Percent inhibition by three rules side by side; NaN of all where a plate has no negative or no positive control.
struct Inhibition {
    double npi_mean, npi_iqr, npi_median;
    double poc;  // percent of the negative controls' mean
};
class Normalisation {
 public:
    explicit Normalisation(Controls const& controls);
    Inhibition operator()(double signal) const;
    // Viability as a fraction by medians, as iTReX has it: 1 - npi_median / 100, computed in that tool's order.
    double viability_median(double signal) const;

 private:
    double mean_n_, mean_p_, iqr_n_, iqr_p_, median_n_, median_p_;
};
// Values within [Q1 - 1.5 IQR, Q3 + 1.5 IQR], R's type-7 quartiles.
std::vector<double> within_fences(std::span<double const> values);
// Of each well in turn: is it a control that was read and lies outside those fences of its kind?
std::vector<bool> outlying_controls(std::span<PlateWell const> wells);

enum class Verdict : unsigned char { pass, review, fail, not_evaluable };
std::string_view name_of(Verdict verdict);

struct PlateQuality {
    std::size_t wells = 0, negatives = 0, positives = 0, untreated = 0;
    std::size_t positives_outside_last_column = 0;
    double mean_negative, sd_negative, population_sd_negative, median_negative, mad_negative, cv_negative_pct;
    double mean_positive, sd_positive, median_positive, mad_positive, cv_positive_pct;
    double zprime_sample, zprime_population_breeze, zprime_robust;
    double ssmd, ssmd_robust, signal_to_background, signal_to_noise, signal_window;
    double edge_ratio;  // median of outer negative and untreated wells / of inner ones
    double cv_untreated_first_column, cv_untreated_last_column;
    double edge_p;  // Mann-Whitney, outer against inner
    double row_gradient, row_gradient_se, column_gradient,
        column_gradient_se;       // of negative and untreated wells, percent of their median a row or column
    double zprime_lo, zprime_hi;  // 95 %, by the delta method with normal controls
    Verdict verdict = Verdict::not_evaluable;
    std::vector<std::string> reasons;  // what is not `pass`, each with its value and gate
};
inline constexpr std::size_t negatives_min = 8, positives_min = 4;  // of a 384-well plate; fewer: not evaluable
PlateQuality quality_of(std::span<PlateWell const> wells);

}  // namespace marrowlink::analysis
