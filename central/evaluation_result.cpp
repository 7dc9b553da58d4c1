#include "central/evaluation_result.hpp"

#include <fmt/format.h>

#include <cmath>

#include "central/analysis/sample_sheet.hpp"
#include "central/analysis/screened_plate.hpp"

namespace marrowlink::central {
namespace {
using analysis::Role;

constexpr std::string_view not_evaluable = "not evaluable";

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
    for (auto const& [name, value] : {std::pair{"inhibition_pct", well.inhibition.npi_median},
                                      std::pair{"npi_mean", well.inhibition.npi_mean}, std::pair{"npi_iqr", well.inhibition.npi_iqr}})
        if (std::isfinite(value)) out[name] = value;
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

// It was good when it was stored.
std::string refused_now(Error const& error) { return "this version of the centre refuses it: " + error.message; }

json::object of_annotation(Annotation const& annotation) { return {{"version", annotation.version}, {"sha256", hex(annotation.sha256)}}; }

json::array of_files(std::vector<RunFile> const& files) {
    json::array out;
    for (RunFile const& file : files)
        out.push_back(
            json::object{{"sha256", file.sha256}, {"original_sha256", file.original_sha256}, {"role", file.role}, {"format", file.format}});
    return out;
}

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
    json::object quality = quality_of(plate.quality);
    quality["replicate_pairs"] = plate.replicates.pairs;
    quality["replicate_r2"] = number(plate.replicates.r2);
    quality["replicate_sd_pct"] = number(plate.replicates.sd_pct);
    result["quality"] = std::move(quality);
    json::array drugs;
    for (analysis::DrugCurve const& drug : plate.drugs) drugs.push_back(drug_of(drug));
    result["drugs"] = std::move(drugs);
}
}  // namespace

json::object evaluation_result(PlateEvidence const& evidence) {
    json::object result{{"state", not_evaluable}, {"barcode", evidence.barcode}, {"software", evidence.software}};
    result["files"] = of_files(evidence.files);
    if (evidence.layout) result["layout"] = of_annotation(*evidence.layout);
    analysis::SampleSheet sheet;
    if (evidence.sample) {
        result["sample"] = of_annotation(*evidence.sample);
        auto parsed = analysis::SampleSheet::read(evidence.sample->bytes, "sample sheet");
        if (!parsed) {
            result["reason"] = refused_now(parsed.error());
            return result;
        }
        sheet = std::move(*parsed);
        put_sample(result, sheet);
    }
    if (!evidence.conflict.empty()) {
        result["reason"] = evidence.conflict;
        return result;
    }
    if (!evidence.layout) {
        result["state"] = "incomplete";
        result["reason"] = "no layout has been given for this barcode";
        return result;
    }
    auto const layout = analysis::PlateLayout::read(evidence.layout->bytes, "layout");
    if (!layout) {
        result["reason"] = refused_now(layout.error());
        return result;
    }
    std::string id;
    for (RunFile const& file : evidence.files) id += file.sha256;
    auto const plate = analysis::ScreenedPlate::of(evidence.readings, *layout, sheet.readout, id);
    put_plate(result, *layout, plate);
    if (!plate.not_evaluable.empty()) {
        result["reason"] = plate.not_evaluable;
        return result;
    }
    auto const missing = sheet.missing();
    result["state"] = missing.empty() ? "evaluated" : "incomplete";
    if (!evidence.sample)
        result["reason"] = "no sample sheet has been given for this barcode";
    else if (!missing.empty())
        result["reason"] = fmt::format("the sample sheet does not say: {}", fmt::join(missing, ", "));
    return result;
}

std::string verdict_in(json::object const& result) {
    if (auto const* const quality = result.if_contains("quality")) return std::string{json::string_of(quality->as_object(), "verdict")};
    return std::string{not_evaluable};
}

std::string reason_in(json::object const& result) {
    std::string out{json::string_of(result, "reason")};
    if (auto const* const quality = result.if_contains("quality"))
        for (auto const& reason : quality->as_object().at("reasons").as_array())
            out += fmt::format("{}{}", out.empty() ? "" : "; ", std::string_view{reason.as_string()});
    return out;
}

}  // namespace marrowlink::central
