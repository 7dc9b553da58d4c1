// `drc` and `nist`.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "central/analyse/analysis.hpp"
#include "central/analysis/distribution.hpp"
#include "central/analysis/elementary.hpp"
#include "central/analysis/log_dose_models.hpp"
#include "central/analysis/strd.hpp"
#include "core/text.hpp"

namespace marrowlink::analyse {
namespace {
using analysis::LogDoseModel;
using analysis::ResultTable;
using analysis::Table;

// A table of doses and responses: the dose's column is named so, a column of words parts the curves, the other numbers are the response.
struct Experiment {
    std::vector<double> dose, response;
    std::vector<analysis::Group> curves;  // one with the key "(Intercept)" where nothing parts them
    std::string grouping;                 // the parting column's name
};

Result<Experiment> experiment_of(Table const& table) {
    Experiment out;
    std::optional<std::size_t> dose, response, group;
    for (std::size_t column = 0; column < table.columns().size(); ++column) {
        std::string const name = lower_case(table.columns()[column]);
        bool words = false;
        for (std::size_t row = 0; row < table.rows() && !words; ++row) words = !table.number(row, column).has_value();
        if (name == "dose" || name == "conc" || name.starts_with("conc_") || name == "concentration")
            dose = column;
        else if (words && !group)
            group = column;
        else if (!words && !response)
            response = column;
        else
            return fail(Fault::refused, fmt::format("{}: column \"{}\" is one too many; a dose (\"dose\" or \"conc\"), a response and at "
                                                    "most one column of names are read.",
                                                    table.name(), table.columns()[column]));
    }
    if (!dose || !response) return fail(Fault::refused, table.name() + " needs a column \"dose\" or \"conc\" and one column of responses.");
    auto doses = table.numbers(table.columns()[*dose]);
    if (!doses) return fail(doses.error());
    auto responses = table.numbers(table.columns()[*response]);
    if (!responses) return fail(responses.error());
    for (std::size_t row = 0; row < table.rows(); ++row)
        if ((*doses)[row] < 0.0) return fail(Fault::refused, table.place(row, *dose) + ": a dose below 0.");
    out.dose = std::move(*doses);
    out.response = std::move(*responses);
    std::vector<std::size_t> keys;
    if (group) {
        keys.push_back(*group);
        out.grouping = table.columns()[*group];
    }
    out.curves = groups_of(table, keys);
    if (!group)
        for (auto& curve : out.curves) curve.key = {"(Intercept)"};
    return out;
}

struct Curve {
    std::string name;
    std::vector<double> dose, response;
    analysis::LogDoseFit fit;
};

}  // namespace

Result<std::vector<Output>> drc(Request const& request) {
    std::vector<LogDoseModel> models;
    for (std::string const& name : request.models) {
        auto const model = analysis::log_dose_model_of(name);
        if (!model) return fail(Fault::usage, fmt::format("--model \"{}\" is not known; LL.3, LL.4, LL.5, W1.4 and W2.4 are.", name));
        models.push_back(*model);
    }
    if (models.empty()) models.assign(std::begin(analysis::log_dose_models), std::end(analysis::log_dose_models));
    ResultTable coefficients({"dataset", "model", "param", "estimate", "se_observed_hessian", "se_gauss_newton", "t", "p", "rss", "df",
                              "sigma", "loglik", "verdict"});
    ResultTable doses({"dataset", "model", "what", "estimate", "se", "lo95", "hi95"});
    std::size_t done = 0;
    for (Request::Input const& input : request.inputs) {
        auto const table = Table::read(input.bytes, input.name);
        if (!table) return fail(table.error());
        auto const experiment = experiment_of(*table);
        if (!experiment) return fail(experiment.error());
        for (LogDoseModel const model : models) {
            std::string const model_name =
                std::string{analysis::name_of(model)} + (experiment->grouping.empty() ? "" : " by " + experiment->grouping);
            auto const parameters = analysis::parameters_of(model);
            std::vector<Curve> curves;
            double rss = 0.0;
            std::string reason;
            for (auto const& group : experiment->curves) {
                Curve curve{group.key.front(), {}, {}, {}};
                std::vector<double> different;
                auto rows = group.rows;
                std::sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
                    return std::pair{experiment->dose[a], experiment->response[a]} <
                           std::pair{experiment->dose[b], experiment->response[b]};
                });
                for (std::size_t const row : rows) {
                    curve.dose.push_back(experiment->dose[row]);
                    curve.response.push_back(experiment->response[row]);
                    if (std::find(different.begin(), different.end(), experiment->dose[row]) == different.end())
                        different.push_back(experiment->dose[row]);
                }
                if (different.size() < 4 || curve.dose.size() <= parameters.size())
                    reason = fmt::format("not evaluable: {} doses and {} observations of {} for {} parameters", different.size(),
                                         curve.dose.size(), curve.name, parameters.size());
                else
                    curve.fit = analysis::fit_log_dose(model, curve.dose, curve.response);
                if (reason.empty() && curve.fit.parameters.empty()) reason = "not evaluable: no fit of " + curve.name;
                rss += curve.fit.rss;
                curves.push_back(std::move(curve));
            }
            if (!reason.empty()) {
                coefficients.row();
                coefficients.text(input.stem);
                coefficients.text(model_name);
                for (int i = 0; i < 10; ++i) coefficients.raw("");
                coefficients.text(reason);
                continue;
            }
            double const n = static_cast<double>(experiment->dose.size());
            double const df = n - static_cast<double>(parameters.size() * curves.size());
            double const variance = rss / df;
            double const loglik = -0.5 * n * (analysis::log(2.0 * 3.14159265358979323846 * rss / n) + 1.0);
            double const quantile = analysis::student_quantile(0.975, df);
            for (Curve const& curve : curves) {
                auto const observed = analysis::covariance_of(model, curve.fit, curve.dose, curve.response, variance);
                auto const expected = analysis::gauss_newton_covariance_of(model, curve.fit, curve.dose, curve.response, variance);
                for (std::size_t p = 0; p < parameters.size(); ++p) {
                    double const se = std::sqrt(observed(p, p));
                    double const t = curve.fit.parameters[p] / se;
                    coefficients.row();
                    coefficients.text(input.stem);
                    coefficients.text(model_name);
                    coefficients.text(fmt::format("{}:{}", parameters[p], curve.name));
                    for (double const value : {curve.fit.parameters[p], se, std::sqrt(expected(p, p)), t,
                                               analysis::student_two_sided(t, df), rss, df, std::sqrt(variance), loglik})
                        coefficients.number(value);
                    coefficients.raw("");
                }
                for (double const percent : {10.0, 50.0, 90.0}) {
                    auto const ed = analysis::effective_dose(model, curve.fit, observed, percent);
                    doses.row();
                    doses.text(input.stem);
                    doses.text(model_name);
                    doses.text(fmt::format("e:{}:{}", experiment->grouping.empty() ? "1" : curve.name, percent));
                    for (double const value : {ed.estimate, ed.se, ed.estimate - quantile * ed.se, ed.estimate + quantile * ed.se})
                        doses.number(value);
                }
            }
        }
        request.progress(++done, request.inputs.size());
    }
    return std::vector<Output>{{"", std::move(coefficients)}, {"ed", std::move(doses)}};
}

Result<std::vector<Output>> nist(Request const& request) {
    ResultTable fits({"dataset", "level", "n", "npar", "model", "param", "start1", "start2", "certified", "sd", "rss", "resid_sd",
                      "estimate_from_start1", "sd_from_start1", "rss_from_start1"});
    ResultTable digits({"dataset", "start", "lre_par_min", "lre_sd_min", "lre_rss", "iter", "msg"});
    std::size_t done = 0;
    for (Request::Input const& input : request.inputs) {
        auto const set = analysis::read_strd(input.bytes, input.name);
        if (!set) return fail(set.error());
        analysis::StrdFit const from[] = {analysis::fit_strd(*set, 0), analysis::fit_strd(*set, 1)};
        for (std::size_t p = 0; p < set->parameters.size(); ++p) {
            auto const& parameter = set->parameters[p];
            fits.row();
            fits.text(set->name);
            fits.text(set->level);
            fits.count(set->y.size());
            fits.count(set->parameters.size());
            fits.text(set->model_text);
            fits.text(parameter.name);
            for (double const value : {parameter.start[0], parameter.start[1], from[1].fit.parameters[p], from[1].sd[p], from[1].fit.sse,
                                       from[1].residual_sd, from[0].fit.parameters[p], from[0].sd[p], from[0].fit.sse})
                fits.number(value);
        }
        for (std::size_t start = 0; start < 2; ++start) {
            double parameters = 11.0, deviations = 11.0;
            for (std::size_t p = 0; p < set->parameters.size(); ++p) {
                parameters =
                    std::min(parameters, analysis::log_relative_error(from[start].fit.parameters[p], set->parameters[p].certified));
                deviations = std::min(deviations, analysis::log_relative_error(from[start].sd[p], set->parameters[p].certified_sd));
            }
            digits.row();
            digits.text(set->name);
            digits.count(start + 1);
            for (double const value : {parameters, deviations, analysis::log_relative_error(from[start].fit.sse, set->certified_rss)})
                digits.raw(fmt::format("{:.1f}", value));
            digits.count(from[start].fit.steps);
            digits.text(from[start].fit.converged ? "" : "not converged");
        }
        request.progress(++done, request.inputs.size());
    }
    return std::vector<Output>{{"", std::move(fits)}, {"digits", std::move(digits)}};
}

}  // namespace marrowlink::analyse
