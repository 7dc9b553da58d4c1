#include "central/evaluation_result.hpp"

#include <cmath>

namespace marrowlink::central {
namespace {
using analysis::Role;

json::value number(double value) { return std::isfinite(value) ? json::value(value) : json::value(nullptr); }

json::array numbers(std::span<double const> values) {
    json::array out;
    for (double const value : values) out.push_back(number(value));
    return out;
}

std::string_view name_of(Role role) {
    constexpr std::string_view names[] = {"sample", "negative", "positive", "untreated", "empty"};
    return names[static_cast<std::size_t>(role)];
}

json::object well_of(analysis::LayoutWell const& place, analysis::ScreenedWell const& well) {
    json::object out{{"well", well_name(place.row, place.column)}, {"role", name_of(place.role)}};
    json::put_text(out, "drug", place.drug);
    if (place.dose) {
        out["concentration"] = place.dose->text;
        out["unit"] = place.dose->unit;
    }
    json::put_text(out, "value", well.value);
    json::put_text(out, "flag", well.flag);
    if (std::isfinite(well.inhibition_pct)) out["inhibition_pct"] = well.inhibition_pct;
    if (well.outlying) out["outlying"] = true;
    return out;
}

json::object quality_of(analysis::PlateQuality const& quality) {
    json::array reasons;
    for (std::string const& reason : quality.reasons) reasons.emplace_back(reason);
    json::object out{{"verdict", analysis::name_of(quality.verdict)},
                     {"negatives", quality.negatives},
                     {"positives", quality.positives},
                     {"untreated", quality.untreated}};
    out["reasons"] = std::move(reasons);
    for (auto const& [name, value] :
         {std::pair{"zprime", quality.zprime_sample}, std::pair{"zprime_lo95", quality.zprime_lo},
          std::pair{"zprime_hi95", quality.zprime_hi}, std::pair{"zprime_robust", quality.zprime_robust}, std::pair{"ssmd", quality.ssmd},
          std::pair{"ssmd_robust", quality.ssmd_robust}, std::pair{"signal_to_background", quality.signal_to_background},
          std::pair{"signal_to_noise", quality.signal_to_noise}, std::pair{"signal_window", quality.signal_window},
          std::pair{"median_negative", quality.median_negative}, std::pair{"median_positive", quality.median_positive},
          std::pair{"cv_negative_pct", quality.cv_negative_pct}, std::pair{"cv_positive_pct", quality.cv_positive_pct},
          std::pair{"edge_ratio", quality.edge_ratio}, std::pair{"edge_p", quality.edge_p},
          std::pair{"row_gradient_pct", quality.row_gradient}, std::pair{"row_gradient_se", quality.row_gradient_se},
          std::pair{"column_gradient_pct", quality.column_gradient}, std::pair{"column_gradient_se", quality.column_gradient_se}})
        out[name] = number(value);
    return out;
}

json::object drug_of(analysis::DrugCurve const& drug) {
    analysis::Curve const& curve = drug.curve;
    json::object out{{"drug", drug.drug}, {"n", drug.x.size()}, {"excluded", drug.excluded}, {"doses", curve.doses.doses.size()}};
    out["x"] = numbers(drug.x);
    out["y"] = numbers(drug.y);
    json::put_text(out, "not_evaluable", curve.not_evaluable);
    if (!curve.not_evaluable.empty()) return out;
    for (auto const& [name, value] :
         {std::pair{"xmin", curve.xmin}, std::pair{"xmax", curve.xmax}, std::pair{"slope", curve.fit.slope},
          std::pair{"bottom", curve.fit.bottom}, std::pair{"top", curve.fit.top}, std::pair{"midpoint", curve.fit.midpoint},
          std::pair{"sse", curve.fit.sse}, std::pair{"sigma", curve.errors.sigma}, std::pair{"midpoint_profile_lo95", curve.profile.lo},
          std::pair{"midpoint_profile_hi95", curve.profile.hi}, std::pair{"dss2_fimm", curve.scores.fimm.dss2},
          std::pair{"dss2_fimm_lo95", curve.scores.dss2_fimm.lo}, std::pair{"dss2_fimm_hi95", curve.scores.dss2_fimm.hi},
          std::pair{"dss2_cont", curve.scores.continuous.dss2}, std::pair{"dss2_cont_lo95", curve.scores.dss2_continuous.lo},
          std::pair{"dss2_cont_hi95", curve.scores.dss2_continuous.hi},
          std::pair{"dss2_cont_se", (curve.scores.dss2_continuous.hi - curve.scores.dss2_continuous.lo) / (2.0 * 1.959963984540054)},
          std::pair{"flat_p", curve.flat_p}, std::pair{"lack_of_fit_p", curve.lack_of_fit_p}})
        out[name] = number(value);
    out["ic50_relative_nM"] = analysis::censored(curve.relative, curve.xmin, curve.xmax);
    out["ic50_absolute_nM"] = analysis::censored(curve.absolute, curve.xmin, curve.xmax);
    out["grid_minima"] = curve.fit.grid_minima;
    json::put_text(out, "bounds_hit", analysis::bounds_hit(curve.fit));
    json::put_text(out, "flag", curve.flag);
    if (curve.scores.unreliable) out["interval_unreliable"] = true;
    return out;
}
}  // namespace

void put_sample(json::object& result, analysis::SampleSheet const& sheet) {
    json::put_text(result, "subject", sheet.subject);
    json::put_text(result, "timepoint", analysis::name_of(sheet.timepoint));
    json::put_text(result, "compartment", sheet.compartment);
    json::put_text(result, "medium", sheet.medium);
    json::put_text(result, "hours_to_test", sheet.hours_to_test);
}

void put_plate(json::object& result, analysis::PlateLayout const& layout, analysis::ScreenedPlate const& plate) {
    result["definitions"] = json::object{{"normalisation", analysis::normalisation_definition},
                                         {"curve", analysis::curve_definition},
                                         {"dss2_fimm", analysis::definition_of(analysis::ScoreRule::fimm)},
                                         {"dss2_cont", analysis::definition_of(analysis::ScoreRule::continuous)},
                                         {"dss2_intervals", "parametric bootstrap, percentiles, 499 draws"}};
    json::put_text(result, "readout", plate.readout);
    result["shape"] = json::object{{"rows", layout.shape.rows}, {"columns", layout.shape.columns}};
    result["used"] = plate.used;
    result["excluded"] = plate.excluded;
    json::array wells;
    for (std::size_t i = 0; i < layout.wells.size(); ++i) wells.push_back(well_of(layout.wells[i], plate.wells[i]));
    result["wells"] = std::move(wells);
    if (!plate.not_evaluable.empty()) return;
    result["quality"] = quality_of(plate.quality);
    json::array drugs;
    for (analysis::DrugCurve const& drug : plate.drugs) drugs.push_back(drug_of(drug));
    result["drugs"] = std::move(drugs);
}

}  // namespace marrowlink::central
