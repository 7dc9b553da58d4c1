// `synergy`: c1, c2, response (percent inhibition); any other columns but results part the plates.
#include "central/analysis/synergy.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "central/analyse/analysis.hpp"

namespace marrowlink::analyse {
using analysis::ResultTable;

Result<std::vector<Output>> synergy(Request const& request) {
    auto const table = only_table(request);
    if (!table) return fail(table.error());
    std::vector<double> columns[3];
    std::string_view const names[] = {"c1", "c2", "response"};
    for (std::size_t i = 0; i < 3; ++i) {
        auto values = table->numbers(names[i]);
        if (!values) return fail(values.error());
        columns[i] = std::move(*values);
        for (std::size_t row = 0; i < 2 && row < columns[i].size(); ++row)
            if (columns[i][row] < 0.0)
                return fail(Fault::refused, table->place(row, *table->find(names[i])) + ": a concentration below 0.");
    }
    static constexpr std::string_view results[] = {"bliss_ref", "hsa_ref", "bliss",     "hsa",   "zip_fit",
                                                   "zip_ref",   "zip",     "loewe_ref", "loewe", "verdict"};
    Echo const echo(*table, results);
    ResultTable out(echo.heading);
    std::vector<std::size_t> keys;
    for (std::size_t const column : echo.columns)
        if (std::find(std::begin(names), std::end(names), table->columns()[column]) == std::end(names)) keys.push_back(column);
    static constexpr std::string_view summary_results[] = {"combinations", "bliss",       "hsa",         "zip",
                                                           "max_bliss",    "note_drug_1", "note_drug_2", "verdict"};
    Echo const summary_echo(*table, keys, summary_results);
    ResultTable summary(summary_echo.heading);
    auto const groups = groups_of(*table, keys);
    for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<analysis::Combination> plate;
        for (std::size_t const row : groups[g].rows) plate.push_back({columns[0][row], columns[1][row], columns[2][row]});
        auto const found = analysis::synergy_of(plate);
        bool const good = found.not_evaluable.empty();
        std::string const verdict = good ? "" : "not evaluable: " + found.not_evaluable;
        for (std::size_t i = 0; i < groups[g].rows.size(); ++i) {
            echo.write(*table, groups[g].rows[i], out);
            if (good) {
                auto const& of = found.effects[i];
                for (double const value :
                     {of.bliss_ref, of.hsa_ref, of.bliss, of.hsa, of.zip_fit, of.zip_ref, of.zip, of.loewe_ref, of.loewe})
                    out.number(value);
                out.text(std::isnan(of.loewe_ref) ? "Loewe not evaluable: beyond what one of the drugs alone reaches" : "");
            } else {
                for (int k = 0; k < 9; ++k) out.raw("");
                out.text(verdict);
            }
        }
        summary_echo.write(*table, groups[g].rows.front(), summary);
        summary.count(groups[g].rows.size());
        for (double const value : {found.mean_bliss, found.mean_hsa, found.mean_zip, found.max_bliss})
            summary.number(good ? value : std::numeric_limits<double>::quiet_NaN());
        summary.text(found.note_1);
        summary.text(found.note_2);
        summary.text(verdict);
        request.progress(g + 1, groups.size());
    }
    return std::vector<Output>{{"", std::move(out)}, {"summary", std::move(summary)}};
}

}  // namespace marrowlink::analyse
