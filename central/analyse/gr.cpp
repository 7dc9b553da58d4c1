// `gr`: curve, conc_<unit>, cell_count, cell_count_time0, cell_count_ctrl; a row a well.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "central/analyse/analysis.hpp"
#include "central/analysis/elementary.hpp"
#include "central/analysis/growth_rate.hpp"

namespace marrowlink::analyse {
using analysis::ResultTable;

Result<std::vector<Output>> gr(Request const& request) {
    auto const table = only_table(request);
    if (!table) return fail(table.error());
    std::string conc_name;
    for (std::string const& name : table->columns())
        if (name.starts_with("conc_")) conc_name = name;
    if (conc_name.empty()) return fail(Fault::refused, table->name() + " has no column conc_uM or conc_nM.");
    std::string const unit = conc_name.substr(5);
    auto const key = table->column("curve");
    if (!key) return fail(key.error());
    std::vector<double> columns[4];
    std::string_view const names[] = {conc_name, "cell_count", "cell_count_time0", "cell_count_ctrl"};
    for (std::size_t i = 0; i < 4; ++i) {
        auto values = table->numbers(names[i]);
        if (!values) return fail(values.error());
        for (std::size_t row = 0; row < values->size(); ++row)
            if (!((*values)[row] > 0.0)) return fail(Fault::refused, table->place(row, *table->find(names[i])) + ": must be above 0.");
        columns[i] = std::move(*values);
    }
    auto const& [conc, count, start, control] = columns;
    std::vector<double> values(table->rows());
    static constexpr std::string_view well_results[] = {"GR_value", "verdict"};
    Echo const well_echo(*table, well_results);
    ResultTable wells(well_echo.heading);
    std::vector<bool> divided(table->rows());
    for (std::size_t row = 0; row < table->rows(); ++row) {
        values[row] = analysis::gr_value(count[row], start[row], control[row]);
        divided[row] = analysis::log(control[row] / start[row]) >= analysis::doublings_min * 0.69314718055994530942;
        well_echo.write(*table, row, wells);
        // Counts of cells have four or five digits; twelve are what published GR tables have.
        wells.raw(divided[row] ? fmt::format("{:.12g}", values[row]) : "");
        wells.text(divided[row] ? "" : fmt::format("not evaluable: the control divided less than {} times", analysis::doublings_min));
    }
    std::string const gec50 = "GEC50_" + unit;
    std::string const gr50 = "GR50_" + unit;
    std::vector<std::string_view> const results{"fit",    "h_GR", "GRinf", gec50, gr50,      "GRmax",
                                                "GR_AOC", "r2",   "pval",  "sse", "mean_GR", "verdict"};
    std::size_t const keys[] = {*key};
    Echo const echo(*table, keys, results);
    ResultTable out(echo.heading);
    auto const groups = groups_of(*table, keys);
    for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<double> x, y;
        bool all_divided = true;
        for (std::size_t const row : groups[g].rows) {
            x.push_back(conc[row]);
            y.push_back(values[row]);
            all_divided = all_divided && divided[row];
        }
        analysis::GrowthRateCurve curve;
        if (all_divided)
            curve = analysis::fit_growth_rate(x, y);
        else
            curve.reason = fmt::format("the controls divided less than {} times", analysis::doublings_min);
        echo.write(*table, groups[g].rows.front(), out);
        bool const good = curve.kind != analysis::GrowthRateCurve::Kind::not_evaluable;
        out.text(!good ? "not_evaluable" : curve.kind == analysis::GrowthRateCurve::Kind::flat ? "flat" : "sigmoid");
        for (double const value :
             {curve.h, curve.gr_inf, curve.gec50, curve.gr50, curve.gr_max, curve.gr_aoc, curve.r2, curve.p, curve.sse, curve.mean_gr})
            out.number(good ? value : std::numeric_limits<double>::quiet_NaN());
        out.text(good ? "" : "not evaluable: " + curve.reason);
        request.progress(g + 1, groups.size());
    }
    return std::vector<Output>{{"", std::move(out)}, {"values", std::move(wells)}};
}

}  // namespace marrowlink::analyse
