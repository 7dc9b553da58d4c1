// NIST's Statistical Reference Datasets for nonlinear regression (https://www.itl.nist.gov/div898/strd/): one file holds the model, two
// starting points, certified values and the data. They test the least-squares fits that the other analyses stand on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "central/analysis/expression.hpp"
#include "central/analysis/least_squares.hpp"

namespace marrowlink::analysis {

struct StrdParameter {
    std::string name;
    double start[2];
    double certified, certified_sd;
};
struct StrdDataset {
    std::string name, level, model_text;
    Expression model;
    std::vector<StrdParameter> parameters;
    double certified_rss = 0.0, certified_residual_sd = 0.0;
    std::vector<double> x, y;
};
Result<StrdDataset> read_strd(std::string_view bytes, std::string const& name);

struct StrdFit {
    LeastSquares fit;
    std::vector<double> sd;
    double residual_sd = 0.0;
};
StrdFit fit_strd(StrdDataset const& dataset, std::size_t start);  // 0 or 1

// Digits of `value` that agree with a certified value of 11 digits: -log10 of the relative error, 0 to 11.
double log_relative_error(double value, double certified);

}  // namespace marrowlink::analysis
