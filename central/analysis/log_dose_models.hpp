// Dose-response models in the form and with the names of the R package drc 3.0-1 (Ritz et al. 2015), for comparison with published work.
// Doses are on their own scale, t = b (ln dose - ln e):
//   LL.3, LL.4, LL.5  c + (d - c) / (1 + e^t)^f      W1.4  c + (d - c) exp(-e^t)      W2.4  c + (d - c) (1 - exp(-e^t))
// with c = 0 in LL.3 and f = 1 but in LL.5. Standard errors come from the observed Hessian, as drc's do.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "central/analysis/linear_algebra.hpp"

namespace marrowlink::analysis {

enum class LogDoseModel : unsigned char { ll3, ll4, ll5, w1_4, w2_4 };
inline constexpr LogDoseModel log_dose_models[] = {LogDoseModel::ll3, LogDoseModel::ll4, LogDoseModel::ll5, LogDoseModel::w1_4,
                                                   LogDoseModel::w2_4};
std::string_view name_of(LogDoseModel model);
std::optional<LogDoseModel> log_dose_model_of(std::string_view name);
std::span<std::string_view const> parameters_of(LogDoseModel model);  // "b", "c", "d", "e", "f"

struct LogDoseFit {
    std::vector<double> parameters;
    double rss = 0.0;
};
// At least as many observations as parameters, doses >= 0, at least two of them > 0. The best of Levenberg-Marquardt's from a fixed grid of
// starts.
LogDoseFit fit_log_dose(LogDoseModel model, std::span<double const> dose, std::span<double const> response);

// 2 variance H^-1 with the residual variance handed in, which curves of one experiment share.
Matrix covariance_of(LogDoseModel model, LogDoseFit const& fit, std::span<double const> dose, std::span<double const> response,
                     double variance);
Matrix gauss_newton_covariance_of(LogDoseModel model, LogDoseFit const& fit, std::span<double const> dose, std::span<double const> response,
                                  double variance);

// The dose that has `percent` of the effect between dose 0 and an infinite one, with its standard error by the delta method.
struct EffectiveDose {
    double estimate, se;
};
EffectiveDose effective_dose(LogDoseModel model, LogDoseFit const& fit, Matrix const& covariance, double percent);

}  // namespace marrowlink::analysis
