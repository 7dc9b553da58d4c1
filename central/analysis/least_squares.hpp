// Nonlinear least squares by Levenberg and Marquardt's method with exact derivatives; each step is solved by QR of the Jacobian, never by
// J'J.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "central/analysis/jet.hpp"
#include "central/analysis/linear_algebra.hpp"

namespace marrowlink::analysis {

// The model's value at observation `i`.
using Model = std::function<Jet(std::size_t i, std::span<Jet const> parameters)>;

struct LeastSquares {
    std::vector<double> parameters;
    double sse = 0.0;
    std::size_t steps = 0;
    bool converged = false;  // the last step was below 1e-12 of every parameter, or no step lowers the sum any more
};
inline constexpr std::size_t least_squares_steps_max = 20'000;

// At most Jet::parameters_max parameters.
LeastSquares least_squares(Model const& model, std::span<double const> y, std::span<double const> start);

enum class Information : unsigned char { gauss_newton, observed_hessian };  // as R's nls; as R's drc
// The parameters' covariance: (J'J)^-1 s^2, or 2 s^2 H^-1 of the sum of squares' Hessian H. Not finite where it is singular.
Matrix covariance(Model const& model, std::span<double const> y, std::span<double const> parameters, double variance,
                  Information information);

}  // namespace marrowlink::analysis
