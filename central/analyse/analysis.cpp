#include "central/analyse/analysis.hpp"

#include <algorithm>

namespace marrowlink::analyse {

std::span<Analysis const> analyses() {
    static constexpr Analysis all[] = {
        {"normalise", "raw signals of plates to percent inhibition, by three rules side by side", normalise},
        {"plate-qc", "quality of plates from their control wells, with a verdict", plate_qc},
        {"dose-response", "curves: fit, intervals, AUC and scores; --compat fimm as that pipeline does", dose_response},
        {"dss", "drug sensitivity scores of given curve parameters", dss},
        {"selective", "scores against healthy controls (--controls)", selective},
        {"drc", "LL.3, LL.4, LL.5 and Weibull models with the names and errors of R's drc", drc},
        {"probit", "probit regression of viability, as the Beat AML study does", probit},
        {"gr", "growth-rate inhibition", gr},
        {"synergy", "drug combinations: Bliss, HSA, Loewe, ZIP", synergy},
        {"paired", "diagnosis to relapse: paired tests, smallest detectable change, power", paired},
        {"multicentre", "shift of each drug's score between two cohorts", multicentre},
        {"stats", "rank tests, t tests, correlations; p adjustment; Fisher's test: by the columns given", stats},
        {"nist", "NIST StRD files: fits beside certified values", nist},
    };
    return all;
}

Result<analysis::Table> only_table(Request const& request) {
    if (request.inputs.size() != 1) return fail(Fault::usage, "This analysis takes one --in.");
    return analysis::Table::read(request.inputs.front().bytes, request.inputs.front().name);
}

Result<std::vector<std::size_t>> columns_of(analysis::Table const& table, std::span<std::string_view const> names) {
    std::vector<std::size_t> out;
    for (std::string_view const name : names) {
        auto const column = table.column(name);
        if (!column) return fail(column.error());
        out.push_back(*column);
    }
    return out;
}

Echo::Echo(analysis::Table const& table, std::span<std::string_view const> results) {
    for (std::size_t column = 0; column < table.columns().size(); ++column)
        if (std::find(results.begin(), results.end(), table.columns()[column]) == results.end()) columns.push_back(column);
    for (std::size_t const column : columns) heading.push_back(table.raw_heading(column));
    heading.insert(heading.end(), results.begin(), results.end());
}

Echo::Echo(analysis::Table const& table, std::span<std::size_t const> keys, std::span<std::string_view const> results)
    : columns(keys.begin(), keys.end()) {
    for (std::size_t const column : columns) heading.push_back(table.raw_heading(column));
    heading.insert(heading.end(), results.begin(), results.end());
}

void Echo::write(analysis::Table const& table, std::size_t row, analysis::ResultTable& out) const {
    out.row();
    for (std::size_t const column : columns) out.raw(table.raw(row, column));
}

}  // namespace marrowlink::analyse
