// One drug's wells made into one curve: the four-parameter fit, where it crosses, its scores, and how far to trust them (the study's
// definitions 1.4 to 1.6, "4pl/global-v1").
#pragma once

#include <string>

#include "central/analysis/bootstrap.hpp"
#include "central/analysis/dose_response.hpp"

namespace marrowlink::analysis {

inline constexpr std::size_t curve_doses_min = 4;   // fewer: not evaluable
inline constexpr std::size_t curve_parameters = 4;  // fewer wells: not evaluable
inline constexpr double flat_p_max = 0.05;          // a curve that explains no more than a constant at this level is called flat
inline constexpr std::string_view curve_definition = "4pl/global-v1";

struct Curve {
    Doses doses;
    std::string not_evaluable;  // "3 of 4 doses"; empty: what follows holds
    double xmin = 0.0, xmax = 0.0;
    LogisticFit fit;
    StandardErrors errors{};
    Interval profile{};
    Crossing relative, absolute;  // of half the curve's height; of 50 %
    ScoreInterval scores;         // on a fit of their own, from 0 %
    double flat_p = 0.0, lack_of_fit_p = 0.0;
    std::string flag;  // "flat", "step between two doses: …"; empty: neither

    // log10 of concentrations in nM, and percent inhibition. `name` is the curve's id and the key of its scores' intervals; without draws
    // there are none.
    static Curve of(std::span<double const> x, std::span<double const> y, std::string const& name, std::size_t draws);
};

std::string bounds_hit(LogisticFit const& fit);  // "slope top"
// In nM: "83.2", "> 10000" or "< 1" where it is not within the tested doses, "not reached".
std::string censored(Crossing const& crossing, double xmin, double xmax);

}  // namespace marrowlink::analysis
