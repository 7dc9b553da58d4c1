// `dose-response`, `dss`, `selective` and `probit`. Curves come in one of two forms:
//   drug, conc_nM, sample, viability           viability as a fraction
//   curve, log10_conc_nM, inhibition_pct
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "central/analyse/analysis.hpp"
#include "central/analysis/bootstrap.hpp"
#include "central/analysis/curve.hpp"
#include "central/analysis/distribution.hpp"
#include "central/analysis/dss.hpp"
#include "central/analysis/elementary.hpp"
#include "central/analysis/fimm.hpp"
#include "central/analysis/probit.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analyse {
namespace {
using analysis::ResultTable;
using analysis::Table;
constexpr double none = std::numeric_limits<double>::quiet_NaN();

struct Curves {
    Table table;
    std::vector<std::size_t> keys;
    std::vector<analysis::Group> groups;
    std::vector<double> conc_nm, x, viability, inhibition;  // of each row
};

Result<Curves> curves_of(Request const& request) {
    auto table = only_table(request);
    if (!table) return fail(table.error());
    Curves out{std::move(*table), {}, {}, {}, {}, {}, {}};
    bool const by_drug = out.table.has("viability");
    using Names = std::vector<std::string_view>;
    auto const keys = columns_of(out.table, by_drug ? Names{"drug", "sample"} : Names{"curve"});
    if (!keys) return fail(keys.error());
    out.keys = *keys;
    std::string_view const dose_name = by_drug ? "conc_nM" : "log10_conc_nM";
    auto const dose = out.table.numbers(dose_name);
    if (!dose) return fail(dose.error());
    auto const response = out.table.numbers(by_drug ? "viability" : "inhibition_pct");
    if (!response) return fail(response.error());
    for (std::size_t row = 0; row < out.table.rows(); ++row) {
        double const conc = by_drug ? (*dose)[row] : analysis::exp10((*dose)[row]);
        if (!(conc > 0.0))
            return fail(Fault::refused, fmt::format("{}: a concentration of {}; concentrations are above 0.",
                                                    out.table.place(row, *out.table.find(dose_name)), conc));
        out.conc_nm.push_back(conc);
        out.x.push_back(by_drug ? analysis::log10(conc) : (*dose)[row]);
        out.viability.push_back(by_drug ? (*response)[row] : 1.0 - (*response)[row] / 100.0);
        out.inhibition.push_back(by_drug ? (1.0 - (*response)[row]) * 100.0 : (*response)[row]);
    }
    out.groups = groups_of(out.table, out.keys);
    return out;
}

std::vector<double> picked(std::vector<double> const& values, std::span<std::size_t const> rows) {
    std::vector<double> out;
    for (std::size_t const row : rows) out.push_back(values[row]);
    return out;
}

Result<std::vector<Output>> fimm(Request const& request, Curves const& curves, std::optional<Table> const& controls) {
    std::vector<std::string_view> results{"global_slope", "global_max",   "global_log10IC50", "global_IC50_after_rules_nM",
                                          "global_sse",   "global_DSS1",  "global_DSS2",      "global_DSS3",
                                          "bound_max_lo", "bound_max_hi", "grid_minima",      "bounds_hit",
                                          "definition",   "verdict"};
    if (controls) results.insert(results.end(), {"mean", "sd", "median", "mad", "sDSS", "zDSS", "rDSS"});
    Echo const echo(curves.table, curves.keys, results);
    ResultTable out(echo.heading);
    for (std::size_t g = 0; g < curves.groups.size(); ++g) {
        auto const& group = curves.groups[g];
        auto const curve = analysis::fimm::fit(picked(curves.conc_nm, group.rows), picked(curves.inhibition, group.rows));
        echo.write(curves.table, group.rows.front(), out);
        bool const good = curve.not_evaluable.empty();
        for (double const value : {curve.fit.slope, curve.fit.top, curve.fit.midpoint, curve.ic50_nm, curve.fit.sse, curve.scores.dss1,
                                   curve.scores.dss2, curve.scores.dss3, curve.top_bounds.lo, curve.top_bounds.hi})
            out.number(good ? value : none);
        out.count(curve.fit.grid_minima);
        out.text(analysis::bounds_hit(curve.fit));
        out.text(analysis::definition_of(analysis::ScoreRule::fimm));
        out.text(good ? "" : "not evaluable: " + curve.not_evaluable);
        if (controls) {
            auto const column = controls->find(group.key.front());
            analysis::SelectiveScores scores{none, none, none, none, none, none, none};
            if (column && good) {
                auto const values = controls->numbers(group.key.front());
                if (!values) return fail(values.error());
                scores = analysis::selective_scores(curve.scores.dss2, *values);
            }
            for (double const value : {scores.mean, scores.sd, scores.median, scores.mad, scores.s_dss, scores.z_dss, scores.r_dss})
                out.number(value);
        }
        request.progress(g + 1, curves.groups.size());
    }
    return std::vector<Output>{{"", std::move(out)}};
}
}  // namespace

Result<std::vector<Output>> dose_response(Request const& request) {
    auto const curves = curves_of(request);
    if (!curves) return fail(curves.error());
    std::optional<Table> controls;
    if (request.controls) {
        auto read = Table::read(request.controls->bytes, request.controls->name);
        if (!read) return fail(read.error());
        controls = std::move(*read);
    }
    if (request.compat == "fimm") return fimm(request, *curves, controls);
    if (!request.compat.empty()) return fail(Fault::usage, fmt::format("--compat \"{}\" is not known; fimm is.", request.compat));
    static constexpr std::string_view results[] = {"n",
                                                   "doses",
                                                   "reps",
                                                   "slope",
                                                   "bottom",
                                                   "top",
                                                   "log10_ic50_rel",
                                                   "rss",
                                                   "sigma",
                                                   "se_slope",
                                                   "se_bottom",
                                                   "se_top",
                                                   "se_log10_ic50",
                                                   "wald_lo",
                                                   "wald_hi",
                                                   "profile_lo",
                                                   "profile_hi",
                                                   "log10_ic50_abs",
                                                   "auc_inhibition",
                                                   "auc_mean_inhibition_pct",
                                                   "aicc",
                                                   "ic50_rel_nM",
                                                   "ic50_abs_nM",
                                                   "auc_trapz",
                                                   "auc_trapz_clipped",
                                                   "DSS1",
                                                   "DSS2",
                                                   "DSS3",
                                                   "DSS2_cont",
                                                   "DSS2_lo95",
                                                   "DSS2_hi95",
                                                   "DSS2_cont_lo95",
                                                   "DSS2_cont_hi95",
                                                   "interval",
                                                   "flat_p",
                                                   "lack_of_fit_p",
                                                   "grid_minima",
                                                   "bounds_hit",
                                                   "definition",
                                                   "verdict"};
    Echo const echo(curves->table, curves->keys, results);
    ResultTable out(echo.heading);
    for (std::size_t g = 0; g < curves->groups.size(); ++g) {
        auto const& group = curves->groups[g];
        auto const x = picked(curves->x, group.rows);
        auto const y = picked(curves->inhibition, group.rows);
        std::string name;
        for (std::string const& part : group.key) name += part + '\n';
        auto const curve = analysis::Curve::of(x, y, name, request.draws);
        std::size_t const wells = curve.doses.observations;
        echo.write(curves->table, group.rows.front(), out);
        out.count(wells);
        out.count(curve.doses.doses.size());
        out.number(static_cast<double>(wells) / static_cast<double>(curve.doses.doses.size()));
        if (!curve.not_evaluable.empty()) {
            for (std::size_t i = 3; i + 1 < std::size(results); ++i) out.raw("");
            out.text("not evaluable: " + curve.not_evaluable);
            continue;
        }
        auto const& fit = curve.fit;
        auto const& errors = curve.errors;
        double const area = analysis::area_under(fit, curve.xmin, curve.xmax);
        double const half = errors.df > 0.0 ? analysis::student_quantile(0.975, errors.df) * errors.midpoint : none;
        for (double const value : {fit.slope, fit.bottom, fit.top, fit.midpoint, fit.sse, errors.sigma, errors.slope, errors.bottom,
                                   errors.top, errors.midpoint, fit.midpoint - half, fit.midpoint + half, curve.profile.lo,
                                   curve.profile.hi, curve.absolute.side == analysis::Crossing::Side::within ? curve.absolute.x : none,
                                   area, area / (curve.xmax - curve.xmin), analysis::aicc(fit.sse, wells, analysis::curve_parameters)})
            out.number(value);
        out.text(analysis::censored(curve.relative, curve.xmin, curve.xmax));
        out.text(analysis::censored(curve.absolute, curve.xmin, curve.xmax));
        out.number(analysis::trapezoid(x, y, false));
        out.number(analysis::trapezoid(x, y, true));
        auto const& scores = curve.scores;
        for (double const value : {scores.fimm.dss1, scores.fimm.dss2, scores.fimm.dss3, scores.continuous.dss2, scores.dss2_fimm.lo,
                                   scores.dss2_fimm.hi, scores.dss2_continuous.lo, scores.dss2_continuous.hi})
            out.number(value);
        out.text(request.draws == 0 ? "" : scores.unreliable ? "unreliable: fewer than two wells a dose" : "parametric bootstrap");
        out.number(curve.flat_p);
        out.number(curve.lack_of_fit_p);
        out.count(fit.grid_minima);
        out.text(analysis::bounds_hit(fit));
        out.text(fmt::format("{}; {}", analysis::curve_definition, analysis::definition_of(analysis::ScoreRule::fimm)));
        out.text(curve.flag);
        request.progress(g + 1, curves->groups.size());
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> dss(Request const& request) {
    auto const table = only_table(request);
    if (!table) return fail(table.error());
    std::vector<double> parameters[5];
    std::string_view const names[] = {"ic50", "slope", "max", "cmin", "cmax"};
    for (std::size_t i = 0; i < 5; ++i) {
        auto values = table->numbers(names[i]);
        if (!values) return fail(values.error());
        parameters[i] = std::move(*values);
    }
    static constexpr std::string_view results[] = {"DSS1", "DSS2", "DSS3", "DSS2_cont", "definition", "verdict"};
    Echo const echo(*table, results);
    ResultTable out(echo.heading);
    for (std::size_t row = 0; row < table->rows(); ++row) {
        auto const& [ic50, slope, top, cmin, cmax] = parameters;
        echo.write(*table, row, out);
        bool const good = ic50[row] > 0.0 && cmin[row] > 0.0 && cmax[row] > cmin[row];
        analysis::SensitivityScores fimm_rule{none, none, none}, continuous{none, none, none};
        if (good) {
            double const at[] = {analysis::log10(ic50[row]), analysis::log10(cmin[row]), analysis::log10(cmax[row])};
            fimm_rule = analysis::sensitivity_scores(at[0], slope[row], top[row], at[1], at[2], analysis::ScoreRule::fimm);
            continuous = analysis::sensitivity_scores(at[0], slope[row], top[row], at[1], at[2], analysis::ScoreRule::continuous);
        }
        for (double const value : {fimm_rule.dss1, fimm_rule.dss2, fimm_rule.dss3, continuous.dss2}) out.number(value);
        out.text(analysis::definition_of(analysis::ScoreRule::fimm));
        out.text(good ? "" : "not evaluable: ic50, cmin and cmax must be above 0, and cmax above cmin");
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> selective(Request const& request) {
    auto const table = only_table(request);
    if (!table) return fail(table.error());
    if (!request.controls) return fail(Fault::usage, "selective needs --controls: healthy controls' scores, a column a drug.");
    auto const controls = Table::read(request.controls->bytes, request.controls->name);
    if (!controls) return fail(controls.error());
    auto const drug = table->column("drug");
    if (!drug) return fail(drug.error());
    std::string_view score_name;
    for (std::string_view const name : {"DSS2", "global_DSS2", "breeze_DSS2"})
        if (score_name.empty() && table->has(name)) score_name = name;
    if (score_name.empty()) return fail(Fault::refused, table->name() + " has no column DSS2, global_DSS2 or breeze_DSS2.");
    auto const scores = table->numbers(score_name);
    if (!scores) return fail(scores.error());
    static constexpr std::string_view results[] = {"mean", "sd", "median", "mad", "sDSS", "zDSS", "rDSS", "verdict"};
    Echo const echo(*table, results);
    ResultTable out(echo.heading);
    for (std::size_t row = 0; row < table->rows(); ++row) {
        std::string const& name = table->text(row, *drug);
        echo.write(*table, row, out);
        if (!controls->has(name)) {
            for (int i = 0; i < 7; ++i) out.raw("");
            out.text("not evaluable: the controls have no column \"" + name + "\"");
            continue;
        }
        auto const values = controls->numbers(name);
        if (!values) return fail(values.error());
        auto const of = analysis::selective_scores((*scores)[row], *values);
        for (double const value : {of.mean, of.sd, of.median, of.mad, of.s_dss, of.z_dss, of.r_dss}) out.number(value);
        out.text(values->size() < 3 ? fmt::format("{} controls", values->size()) : "");
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> probit(Request const& request) {
    auto const curves = curves_of(request);
    if (!curves) return fail(curves.error());
    static constexpr std::string_view results[] = {
        "b0", "b1", "log10_ic50_uM", "auc_viability_x_log10", "auc_mean_viability_pct", "converged", "verdict"};
    Echo const echo(curves->table, curves->keys, results);
    ResultTable out(echo.heading);
    for (std::size_t g = 0; g < curves->groups.size(); ++g) {
        auto const& group = curves->groups[g];
        std::vector<double> x;
        for (std::size_t const row : group.rows) x.push_back(analysis::log10(curves->conc_nm[row] / 1000.0));
        auto const fit = analysis::fit_probit(x, picked(curves->viability, group.rows));
        echo.write(curves->table, group.rows.front(), out);
        bool const good = fit.not_evaluable.empty();
        for (double const value : {fit.b0, fit.b1, fit.log10_ic50_um, fit.auc_viability_x_log10, fit.auc_mean_viability_pct})
            out.number(good ? value : none);
        out.truth(fit.converged);
        out.text(
            !good ? "not evaluable: " + fit.not_evaluable
            : fit.separated
                ? "fewer than two viabilities between 0 and 100 %: the likelihood has no finite maximum, slope and midpoint mean nothing"
                : "");
        request.progress(g + 1, curves->groups.size());
    }
    return std::vector<Output>{{"", std::move(out)}};
}

}  // namespace marrowlink::analyse
