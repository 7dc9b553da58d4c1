// Drug sensitivity scores (Yadav et al. 2014, doi 10.1038/srep05193, as the FIMM and Breeze tools compute them; the study's
// definitions 1.6).
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace marrowlink::analysis {

struct SensitivityScores {
    double dss1 = 0.0, dss2 = 0.0, dss3 = 0.0;
};

inline constexpr double activity_threshold_pct = 10.0;  // Amin

// `fimm`: 0 where the midpoint is not below the highest dose ("dss2/fimm-v1"). `continuous`: without that rule ("dss2/cont-v1").
enum class ScoreRule : unsigned char { fimm, continuous };
constexpr std::string_view definition_of(ScoreRule rule) { return rule == ScoreRule::fimm ? "dss2/fimm-v1" : "dss2/cont-v1"; }

// Of a curve from 0 % to `top_pct`; midpoint and dose range in log10 of the concentration. A slope of either sign counts as its magnitude,
// a top above 100 as 100.
SensitivityScores sensitivity_scores(double midpoint, double slope, double top_pct, double xmin, double xmax, ScoreRule rule);

// A patient's score against those of healthy controls (Chen et al., Nat Protoc 2023).
struct SelectiveScores {
    double mean, sd, median, mad;  // of the controls
    double s_dss, z_dss, r_dss;
};
SelectiveScores selective_scores(double score, std::span<double const> controls);

}  // namespace marrowlink::analysis
