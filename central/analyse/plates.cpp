// `normalise` and `plate-qc`. Wells come in one of two forms:
//   WELL, PLATE, SCREEN_NAME, DRUG_NAME, WELL_SIGNAL   with the control's kind as the drug's name
//   Plate, Row, Column, WellType, Readout
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "central/analyse/analysis.hpp"
#include "central/analysis/plate_quality.hpp"

namespace marrowlink::analyse {
namespace {
using analysis::PlateWell;
using analysis::ResultTable;
using analysis::Table;

struct Plates {
    Table table;
    bool by_well_name = true;
    std::vector<std::size_t> keys;
    std::vector<analysis::Group> groups;
    std::vector<PlateWell> wells;  // of each row of the table

    std::vector<PlateWell> of(analysis::Group const& group) const {
        std::vector<PlateWell> out;
        for (std::size_t const row : group.rows) out.push_back(wells[row]);
        return out;
    }
};

Result<Plates> plates_of(Request const& request) {
    auto table = only_table(request);
    if (!table) return fail(table.error());
    Plates out{std::move(*table), true, {}, {}, {}};
    out.by_well_name = out.table.has("WELL");
    using Names = std::vector<std::string_view>;
    auto const columns =
        columns_of(out.table, out.by_well_name ? Names{"WELL", "DRUG_NAME", "WELL_SIGNAL"} : Names{"Row", "Column", "WellType", "Readout"});
    if (!columns) return fail(columns.error());
    auto const keys = columns_of(out.table, out.by_well_name ? Names{"SCREEN_NAME", "PLATE"} : Names{"Plate"});
    if (!keys) return fail(keys.error());
    out.keys = *keys;
    std::map<std::string, std::size_t> seen;
    for (std::size_t row = 0; row < out.table.rows(); ++row) {
        auto const cell = [&](std::size_t which) -> std::string const& { return out.table.text(row, (*columns)[which]); };
        std::string const name = out.by_well_name ? cell(0) : cell(0) + cell(1);
        auto const position = analysis::well_position(name);
        if (position.row == 0)
            return fail(Fault::refused,
                        fmt::format("{}: \"{}\" is no well; wells are A1 to AF48.", out.table.place(row, (*columns)[0]), name));
        std::string key = fmt::format("{}:{}", position.row, position.column);
        for (std::size_t const column : out.keys) key += '\n' + out.table.text(row, column);
        if (auto const [other, fresh] = seen.emplace(std::move(key), row); !fresh)
            return fail(Fault::refused,
                        fmt::format("{}: well {} of this plate occurs twice, first at {}.", out.table.place(row, (*columns)[0]), name,
                                    out.table.place(other->second, (*columns)[0])));
        std::size_t const signal_column = columns->back();
        auto const signal = out.table.number(row, signal_column);
        if (!signal) return fail(signal.error());
        if (std::isinf(*signal)) return fail(Fault::refused, fmt::format("{}: an infinite signal.", out.table.place(row, signal_column)));
        out.wells.push_back({position.row, position.column, analysis::role_of(cell(columns->size() - 2)), *signal});
    }
    out.groups = groups_of(out.table, out.keys);
    return out;
}

constexpr std::string_view fences = "outside 1.5 IQR";
}  // namespace

Result<std::vector<Output>> normalise(Request const& request) {
    auto const plates = plates_of(request);
    if (!plates) return fail(plates.error());
    std::vector<std::string_view> results{"pi_breeze", "pi_npi_mean", "pi_median", "percent_of_control", "control_flag", "verdict"};
    if (!plates->by_well_name) results.insert(results.begin(), "normVal");
    Echo const echo(plates->table, results);
    ResultTable out(echo.heading);
    std::vector<std::size_t> plate_of(plates->table.rows());
    std::vector<analysis::Normalisation> rules;
    std::vector<std::string> verdicts;
    std::vector<bool> flagged(plates->table.rows());
    for (std::size_t g = 0; g < plates->groups.size(); ++g) {
        auto const& group = plates->groups[g];
        auto const wells = plates->of(group);
        auto const controls = analysis::Controls::of(wells);
        rules.emplace_back(controls);
        verdicts.push_back(
            controls.negative.empty() || controls.positive.empty()
                ? fmt::format("not evaluable: {} negative and {} positive controls", controls.negative.size(), controls.positive.size())
                : "");
        auto const outlying = analysis::outlying_controls(wells);
        for (std::size_t i = 0; i < group.rows.size(); ++i) {
            plate_of[group.rows[i]] = g;
            flagged[group.rows[i]] = outlying[i];
        }
        request.progress(g + 1, plates->groups.size());
    }
    for (std::size_t row = 0; row < plates->table.rows(); ++row) {
        echo.write(plates->table, row, out);
        auto const& rule = rules[plate_of[row]];
        double const signal = plates->wells[row].signal;
        auto const inhibition = rule(signal);
        if (!plates->by_well_name) out.number(rule.viability_median(signal));
        out.number(inhibition.npi_iqr);
        out.number(inhibition.npi_mean);
        out.number(inhibition.npi_median);
        out.number(inhibition.poc);
        out.text(flagged[row] ? fences : "");
        out.text(verdicts[plate_of[row]]);
    }
    return std::vector<Output>{{"", std::move(out)}};
}

Result<std::vector<Output>> plate_qc(Request const& request) {
    auto const plates = plates_of(request);
    if (!plates) return fail(plates.error());
    using Q = analysis::PlateQuality;
    struct Column {
        std::string_view name;
        double (*value)(Q const&);
    };
    static constexpr Column breeze[] = {
        {"n_wells", [](Q const& q) { return static_cast<double>(q.wells); }},
        {"n_neg", [](Q const& q) { return static_cast<double>(q.negatives); }},
        {"n_pos", [](Q const& q) { return static_cast<double>(q.positives); }},
        {"n_pos_excl_col24", [](Q const& q) { return static_cast<double>(q.positives_outside_last_column); }},
        {"n_cells", [](Q const& q) { return static_cast<double>(q.untreated); }},
        {"mean_neg", [](Q const& q) { return q.mean_negative; }},
        {"sd_neg", [](Q const& q) { return q.sd_negative; }},
        {"psd_neg", [](Q const& q) { return q.population_sd_negative; }},
        {"median_neg", [](Q const& q) { return q.median_negative; }},
        {"mad_neg", [](Q const& q) { return q.mad_negative; }},
        {"cv_neg_pct", [](Q const& q) { return q.cv_negative_pct; }},
        {"mean_pos", [](Q const& q) { return q.mean_positive; }},
        {"sd_pos", [](Q const& q) { return q.sd_positive; }},
        {"median_pos", [](Q const& q) { return q.median_positive; }},
        {"mad_pos", [](Q const& q) { return q.mad_positive; }},
        {"cv_pos_pct", [](Q const& q) { return q.cv_positive_pct; }},
        {"zprime_sample_sd", [](Q const& q) { return q.zprime_sample; }},
        {"zprime_population_sd_breeze", [](Q const& q) { return q.zprime_population_breeze; }},
        {"zprime_robust", [](Q const& q) { return q.zprime_robust; }},
        {"ssmd", [](Q const& q) { return q.ssmd; }},
        {"ssmd_robust", [](Q const& q) { return q.ssmd_robust; }},
        {"s_over_b", [](Q const& q) { return q.signal_to_background; }},
        {"s_over_n", [](Q const& q) { return q.signal_to_noise; }},
        {"signal_window", [](Q const& q) { return q.signal_window; }},
        {"edge_ratio_outer_inner", [](Q const& q) { return q.edge_ratio; }},
        {"cv_cells_col1", [](Q const& q) { return q.cv_untreated_first_column; }},
        {"cv_cells_col24", [](Q const& q) { return q.cv_untreated_last_column; }},
    };
    static constexpr Column itrex[] = {
        {"n", [](Q const& q) { return static_cast<double>(q.wells); }},
        {"mneg", [](Q const& q) { return q.mean_negative; }},
        {"sneg", [](Q const& q) { return q.sd_negative; }},
        {"nneg", [](Q const& q) { return static_cast<double>(q.negatives); }},
        {"mpos", [](Q const& q) { return q.mean_positive; }},
        {"spos", [](Q const& q) { return q.sd_positive; }},
        {"npos", [](Q const& q) { return static_cast<double>(q.positives); }},
        {"z", [](Q const& q) { return q.zprime_sample; }},
        {"rz", [](Q const& q) { return q.zprime_robust; }},
        {"ssmd", [](Q const& q) { return q.ssmd; }},
        {"sb", [](Q const& q) { return q.signal_to_background; }},
    };
    static constexpr Column further[] = {
        {"zprime_lo95", [](Q const& q) { return q.zprime_lo; }},
        {"zprime_hi95", [](Q const& q) { return q.zprime_hi; }},
        {"edge_p", [](Q const& q) { return q.edge_p; }},
        {"row_gradient_pct", [](Q const& q) { return q.row_gradient; }},
        {"row_gradient_se", [](Q const& q) { return q.row_gradient_se; }},
        {"column_gradient_pct", [](Q const& q) { return q.column_gradient; }},
        {"column_gradient_se", [](Q const& q) { return q.column_gradient_se; }},
    };
    std::vector<Column> columns;
    if (plates->by_well_name)
        columns.assign(std::begin(breeze), std::end(breeze));
    else
        columns.assign(std::begin(itrex), std::end(itrex));
    columns.insert(columns.end(), std::begin(further), std::end(further));
    std::vector<std::string> heading;
    // The expected tables of the first form call its keys screen and plate.
    if (plates->by_well_name)
        heading = {"screen", "plate"};
    else
        heading = {plates->table.raw_heading(plates->keys[0])};
    for (Column const& column : columns) heading.emplace_back(column.name);
    heading.insert(heading.end(), {"verdict", "reasons"});
    ResultTable out(heading);
    for (std::size_t g = 0; g < plates->groups.size(); ++g) {
        auto const& group = plates->groups[g];
        auto const quality = analysis::quality_of(plates->of(group));
        out.row();
        for (std::size_t const column : plates->keys) out.raw(plates->table.raw(group.rows.front(), column));
        for (Column const& column : columns) out.number(column.value(quality));
        out.text(analysis::name_of(quality.verdict));
        std::string reasons;
        for (std::string const& reason : quality.reasons) reasons += (reasons.empty() ? "" : "; ") + reason;
        out.text(reasons);
        request.progress(g + 1, plates->groups.size());
    }
    return std::vector<Output>{{"", std::move(out)}};
}

}  // namespace marrowlink::analyse
