// `paired`, `multicentre` and `stats`.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "central/analyse/analysis.hpp"
#include "central/analysis/cohort.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analyse {
namespace {
using analysis::Adjustment;
using analysis::ResultTable;
using analysis::Table;
constexpr double none = std::numeric_limits<double>::quiet_NaN();

Result<std::vector<Output>> two_sample(Table const& table, Request const& request) {
    auto const columns = columns_of(table, std::vector<std::string_view>{"set", "x", "y"});
    if (!columns) return fail(columns.error());
    auto const x = table.numbers("x");
    if (!x) return fail(x.error());
    auto const y = table.numbers("y");
    if (!y) return fail(y.error());
    static constexpr std::string_view results[] = {
        "n",        "paired_t",    "paired_t_p",    "paired_ci_lo",        "paired_ci_hi", "wilcoxon_V", "wilcoxon_exact_p", "hl",
        "hl_lo",    "hl_hi",       "mannwhitney_U", "mannwhitney_exact_p", "welch_t",      "welch_df",   "welch_p",          "pearson",
        "spearman", "kendall_tau", "verdict"};
    std::size_t const keys[] = {columns->front()};
    Echo const echo(table, keys, results);
    ResultTable out(echo.heading);
    auto const groups = groups_of(table, keys);
    for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<double> first, second, change;
        for (std::size_t const row : groups[g].rows) {
            first.push_back((*x)[row]);
            second.push_back((*y)[row]);
            change.push_back((*y)[row] - (*x)[row]);
        }
        auto const t = analysis::t_test(change);
        auto const v = analysis::signed_rank_test(change);
        auto const hl = analysis::hodges_lehmann(change);
        auto const u = analysis::mann_whitney_test(second, first);
        auto const welch = analysis::welch_test(second, first);
        echo.write(table, groups[g].rows.front(), out);
        out.count(change.size());
        for (double const value :
             {t.t, t.p, t.lo, t.hi, v.statistic, v.p, hl.estimate, hl.lo, hl.hi, u.statistic, u.p, welch.t, welch.df, welch.p,
              analysis::pearson(first, second), analysis::spearman(first, second), analysis::kendall_tau_b(first, second)})
            out.number(value);
        std::string verdict;
        if (!v.exact) verdict = "wilcoxon: ties, zeros or a large sample, normal approximation";
        if (!u.exact) verdict += (verdict.empty() ? "" : "; ") + std::string{"mannwhitney: ties or a large sample, normal approximation"};
        out.text(verdict);
        request.progress(g + 1, groups.size());
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> adjust(Table const& table) {
    auto const p = table.numbers("p");
    if (!p) return fail(p.error());
    for (std::size_t row = 0; row < p->size(); ++row)
        if ((*p)[row] < 0.0 || (*p)[row] > 1.0)
            return fail(Fault::refused, table.place(row, *table.find("p")) + ": a probability lies between 0 and 1.");
    static constexpr std::string_view results[] = {"bh", "by", "holm", "bonferroni", "hochberg"};
    Echo const echo(table, results);
    ResultTable out(echo.heading);
    std::vector<std::vector<double>> columns;
    for (Adjustment const how :
         {Adjustment::benjamini_hochberg, Adjustment::benjamini_yekutieli, Adjustment::holm, Adjustment::bonferroni, Adjustment::hochberg})
        columns.push_back(analysis::adjusted(*p, how));
    for (std::size_t row = 0; row < table.rows(); ++row) {
        echo.write(table, row, out);
        for (auto const& column : columns) out.number(column[row]);
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> fisher(Table const& table) {
    std::vector<double> columns[4];
    std::string_view const names[] = {"a", "b", "c", "d"};
    for (std::size_t i = 0; i < 4; ++i) {
        auto values = table.numbers(names[i]);
        if (!values) return fail(values.error());
        for (std::size_t row = 0; row < values->size(); ++row)
            if ((*values)[row] < 0.0 || (*values)[row] != std::floor((*values)[row]) || (*values)[row] > 1e7)
                return fail(Fault::refused, table.place(row, *table.find(names[i])) + ": a count from 0 to 10000000 is expected.");
        columns[i] = std::move(*values);
    }
    static constexpr std::string_view results[] = {"p", "cond_or"};
    Echo const echo(table, results);
    ResultTable out(echo.heading);
    for (std::size_t row = 0; row < table.rows(); ++row) {
        auto const count = [&](std::size_t i) { return static_cast<std::uint64_t>(columns[i][row]); };
        auto const test = analysis::fisher_test(count(0), count(1), count(2), count(3));
        echo.write(table, row, out);
        out.number(test.p);
        out.number(test.odds_ratio);
    }
    return std::vector<Output>{{"", std::move(out)}};
}

}  // namespace

Result<std::vector<Output>> paired(Request const& request) {
    auto const table = only_table(request);
    if (!table) return fail(table.error());
    auto const columns = columns_of(*table, std::vector<std::string_view>{"patient", "drug", "dss2_first", "dss2_last"});
    if (!columns) return fail(columns.error());
    static constexpr std::string_view results[] = {"n",
                                                   "mean_delta",
                                                   "sd_delta",
                                                   "median_delta",
                                                   "t",
                                                   "t_p",
                                                   "ci_lo",
                                                   "ci_hi",
                                                   "W_plus",
                                                   "wilcoxon_p_normal_cc",
                                                   "hodges_lehmann",
                                                   "cohen_dz",
                                                   "sem",
                                                   "sdc95",
                                                   "icc1",
                                                   "t_bh",
                                                   "t_by",
                                                   "t_holm",
                                                   "w_bh",
                                                   "wilcoxon_p",
                                                   "wilcoxon_method",
                                                   "detectable_mean_delta_80pct",
                                                   "icc_kind",
                                                   "verdict"};
    std::size_t const keys[] = {(*columns)[1]};
    Echo const echo(*table, keys, results);
    ResultTable out(echo.heading);
    auto const groups = groups_of(*table, keys);
    struct Row {
        analysis::PairedChange change;
        std::string verdict;
    };
    std::vector<Row> rows;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<double> first, last;
        std::vector<std::string> patients;
        for (std::size_t const row : groups[g].rows) {
            std::string const& patient = table->text(row, (*columns)[0]);
            if (std::find(patients.begin(), patients.end(), patient) != patients.end())
                return fail(Fault::refused, fmt::format("{}: patient {} occurs twice for {}.", table->place(row, (*columns)[0]), patient,
                                                        groups[g].key.front()));
            patients.push_back(patient);
            auto const a = table->number(row, (*columns)[2]);
            if (!a) return fail(a.error());
            auto const b = table->number(row, (*columns)[3]);
            if (!b) return fail(b.error());
            if (!std::isfinite(*a) || !std::isfinite(*b)) continue;
            first.push_back(*a);
            last.push_back(*b);
        }
        Row row;
        row.change.n = first.size();
        if (first.size() < 2) {
            row.verdict = fmt::format("not evaluable: {} pairs", first.size());
        } else {
            row.change = analysis::paired_change(first, last);
            if (!(row.change.sd_delta > 0.0)) row.verdict = "all changes are equal";
        }
        rows.push_back(std::move(row));
        request.progress(g + 1, groups.size());
    }
    std::vector<double> t_p, w_p;
    for (Row const& row : rows) {
        t_p.push_back(row.change.n < 2 ? none : row.change.t.p);
        w_p.push_back(row.change.n < 2 ? none : row.change.wilcoxon_p_normal);
    }
    auto const t_bh = adjusted(t_p, Adjustment::benjamini_hochberg);
    auto const t_by = adjusted(t_p, Adjustment::benjamini_yekutieli);
    auto const t_holm = adjusted(t_p, Adjustment::holm);
    auto const w_bh = adjusted(w_p, Adjustment::benjamini_hochberg);
    for (std::size_t g = 0; g < groups.size(); ++g) {
        auto const& c = rows[g].change;
        echo.write(*table, groups[g].rows.front(), out);
        out.count(c.n);
        if (c.n < 2) {
            for (std::size_t i = 1; i + 1 < std::size(results); ++i) out.raw("");
            out.text(rows[g].verdict);
            continue;
        }
        for (double const value :
             {c.mean_delta, c.sd_delta, c.median_delta, c.t.t, c.t.p, c.t.lo, c.t.hi, c.wilcoxon.statistic, c.wilcoxon_p_normal,
              c.hodges_lehmann, c.cohen_dz, c.sem, c.sdc95, c.icc1, t_bh[g], t_by[g], t_holm[g], w_bh[g], c.wilcoxon.p})
            out.number(value);
        out.text(c.wilcoxon.exact ? "exact" : "normal approximation");
        out.number(c.detectable_mean_delta);
        out.text("ICC(1,1)");
        out.text(rows[g].verdict);
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> multicentre(Request const& request) {
    auto const table = only_table(request);
    if (!table) return fail(table.error());
    auto const sample = table->column("sample");
    if (!sample) return fail(sample.error());
    std::vector<bool> is_beataml;
    for (std::size_t row = 0; row < table->rows(); ++row) {
        std::string const& name = table->text(row, *sample);
        if (!name.starts_with("BA") && !name.starts_with("AML_"))
            return fail(Fault::refused, fmt::format("{}: \"{}\" belongs to no cohort that is known; BA… is beataml, AML_… is fimm.",
                                                    table->place(row, *sample), name));
        is_beataml.push_back(name.starts_with("BA"));
    }
    ResultTable out({"drug", "n_beataml", "n_fimm", "mean_beataml", "mean_fimm", "shift", "welch_t", "welch_p", "eta2", "bh", "welch_df",
                     "ci_lo", "ci_hi", "verdict"});
    struct Row {
        std::size_t drug, n_a, n_b;
        analysis::CentreShift shift;
    };
    std::vector<Row> rows;
    std::vector<double> p;
    for (std::size_t column = 0; column < table->columns().size(); ++column) {
        std::string const& name = table->columns()[column];
        if (column == *sample || name == "cohort" || name == "plate" || name == "centre") continue;
        std::vector<double> a, b;
        for (std::size_t row = 0; row < table->rows(); ++row) {
            auto const value = table->number(row, column);
            if (!value) return fail(value.error());
            if (std::isfinite(*value)) (is_beataml[row] ? a : b).push_back(*value);
        }
        bool const good = a.size() > 1 && b.size() > 1;
        rows.push_back(
            {column, a.size(), b.size(),
             good ? analysis::centre_shift(a, b) : analysis::CentreShift{none, none, none, {none, none, none, none, none}, none}});
        p.push_back(rows.back().shift.welch.p);
        request.progress(column + 1, table->columns().size());
    }
    auto const bh = adjusted(p, Adjustment::benjamini_hochberg);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto const& [drug, n_a, n_b, shift] = rows[i];
        out.row();
        out.raw(table->raw_heading(drug));
        out.count(n_a);
        out.count(n_b);
        for (double const value : {shift.mean_a, shift.mean_b, shift.shift, shift.welch.t, shift.welch.p, shift.eta2, bh[i], shift.welch.df,
                                   shift.welch.lo, shift.welch.hi})
            out.number(value);
        out.text(n_a > 1 && n_b > 1 ? "" : fmt::format("not evaluable: {} and {} samples", n_a, n_b));
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> stats(Request const& request) {
    auto const table = only_table(request);
    if (!table) return fail(table.error());
    if (table->has("set") && table->has("x") && table->has("y")) return two_sample(*table, request);
    if (table->has("a") && table->has("b") && table->has("c") && table->has("d")) return fisher(*table);
    if (table->has("p")) return adjust(*table);
    return fail(Fault::refused, table->name() + " has neither the columns set, x, y nor a, b, c, d nor p.");
}

}  // namespace marrowlink::analyse
