#include "central/analysis/log_dose_models.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "central/analysis/elementary.hpp"
#include "central/analysis/least_squares.hpp"

namespace marrowlink::analysis {
namespace {

constexpr std::string_view names[] = {"b", "c", "d", "e", "f"};
constexpr std::string_view names_without_c[] = {"b", "d", "e"};

struct Named {
    Jet b, c, d, e, f;
};
Named named(LogDoseModel model, std::span<Jet const> p) {
    if (model == LogDoseModel::ll3) return {p[0], Jet{0.0}, p[1], p[2], Jet{1.0}};
    return {p[0], p[1], p[2], p[3], model == LogDoseModel::ll5 ? p[4] : Jet{1.0}};
}

// e, the only one that must stay positive, is fitted as its logarithm.
enum class Scale : unsigned char { own, logarithm_of_e };

Jet value_at(LogDoseModel model, Scale scale, double dose, std::span<Jet const> p) {
    Named const of = named(model, p);
    bool const control_is_d = (of.b.v > 0.0) != (model == LogDoseModel::w2_4);
    if (dose == 0.0) return control_is_d ? of.d : of.c;
    Jet const t = of.b * (Jet{log(dose)} - (scale == Scale::own ? log(of.e) : of.e));
    Jet const high = exp(t.v > 500.0 ? Jet{500.0} : t);
    switch (model) {
        case LogDoseModel::ll3:
        case LogDoseModel::ll4: return of.c + (of.d - of.c) / (Jet{1.0} + high);
        case LogDoseModel::ll5: return of.c + (of.d - of.c) * exp(-of.f * log(Jet{1.0} + high));
        case LogDoseModel::w1_4: return of.c + (of.d - of.c) * exp(-high);
        case LogDoseModel::w2_4: return of.c + (of.d - of.c) * (Jet{1.0} - exp(-high));
    }
    return {};
}

Model model_of(LogDoseModel model, Scale scale, std::span<double const> dose) {
    return [model, scale, dose](std::size_t i, std::span<Jet const> p) { return value_at(model, scale, dose[i], p); };
}

}  // namespace

std::string_view name_of(LogDoseModel model) {
    constexpr std::string_view all[] = {"LL.3", "LL.4", "LL.5", "W1.4", "W2.4"};
    return all[static_cast<std::size_t>(model)];
}

std::optional<LogDoseModel> log_dose_model_of(std::string_view name) {
    for (LogDoseModel const model : log_dose_models)
        if (name_of(model) == name) return model;
    return std::nullopt;
}

std::span<std::string_view const> parameters_of(LogDoseModel model) {
    if (model == LogDoseModel::ll3) return names_without_c;
    return std::span{names}.first(model == LogDoseModel::ll5 ? 5 : 4);
}

LogDoseFit fit_log_dose(LogDoseModel model, std::span<double const> dose, std::span<double const> response) {
    double lo = std::numeric_limits<double>::infinity(), hi = 0.0;
    for (double const one : dose)
        if (one > 0.0) {
            lo = std::min(lo, one);
            hi = std::max(hi, one);
        }
    double const bottom = *std::min_element(response.begin(), response.end());
    double const top = *std::max_element(response.begin(), response.end());
    auto const function = model_of(model, Scale::logarithm_of_e, dose);
    LeastSquares best;
    best.sse = std::numeric_limits<double>::infinity();
    for (double const steepness : {1.0, 3.0, 0.4, 8.0})
        for (double const sign : {1.0, -1.0})
            for (int step = 0; step < 5; ++step)
                for (double const f : {1.0, 0.4, 3.0}) {
                    if (f != 1.0 && model != LogDoseModel::ll5) continue;
                    double const log_e = log(lo) + (log(hi) - log(lo)) * (0.1 + 0.2 * step);
                    std::vector<double> start{sign * steepness, bottom, top, log_e, f};
                    if (model == LogDoseModel::ll3) start = {sign * steepness, top, log_e};
                    start.resize(parameters_of(model).size());
                    auto fit = least_squares(function, response, start);
                    // c is the lower and d the upper limit; turned over, the same curve has b of the other sign.
                    if (model != LogDoseModel::ll3 && fit.parameters[1] > fit.parameters[2]) {
                        if (model != LogDoseModel::ll4) continue;
                        std::swap(fit.parameters[1], fit.parameters[2]);
                        fit.parameters[0] = -fit.parameters[0];
                    }
                    if (fit.sse < best.sse * (1.0 - 1e-9)) best = std::move(fit);
                }
    LogDoseFit out{best.parameters, best.sse};
    double& e = out.parameters[model == LogDoseModel::ll3 ? 2 : 3];
    e = exp(e);
    return out;
}

Matrix covariance_of(LogDoseModel model, LogDoseFit const& fit, std::span<double const> dose, std::span<double const> response,
                     double variance) {
    return covariance(model_of(model, Scale::own, dose), response, fit.parameters, variance, Information::observed_hessian);
}

Matrix gauss_newton_covariance_of(LogDoseModel model, LogDoseFit const& fit, std::span<double const> dose, std::span<double const> response,
                                  double variance) {
    return covariance(model_of(model, Scale::own, dose), response, fit.parameters, variance, Information::gauss_newton);
}

EffectiveDose effective_dose(LogDoseModel model, LogDoseFit const& fit, Matrix const& covariance, double percent) {
    std::vector<Jet> p;
    for (std::size_t i = 0; i < fit.parameters.size(); ++i) p.push_back(Jet::parameter(fit.parameters[i], i));
    Named const of = named(model, p);
    // The share of the way from dose 0: at t = -infinity for b > 0, else at t = +infinity.
    double const share = of.b.v > 0.0 ? percent / 100.0 : 1.0 - percent / 100.0;
    Jet t;
    switch (model) {
        case LogDoseModel::ll3:
        case LogDoseModel::ll4: t = Jet{log(share / (1.0 - share))}; break;
        case LogDoseModel::ll5: t = log(exp(Jet{-log(1.0 - share)} / of.f) - Jet{1.0}); break;
        case LogDoseModel::w1_4: t = Jet{log(-log(1.0 - share))}; break;
        case LogDoseModel::w2_4: t = Jet{log(-log(1.0 - share))}; break;
    }
    Jet const dose = of.e * exp(t / of.b);
    double variance = 0.0;
    for (std::size_t i = 0; i < covariance.rows(); ++i)
        for (std::size_t j = 0; j < covariance.columns(); ++j) variance += dose.d[i] * covariance(i, j) * dose.d[j];
    return {dose.v, std::sqrt(variance)};
}

}  // namespace marrowlink::analysis
