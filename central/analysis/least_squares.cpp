#include "central/analysis/least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace marrowlink::analysis {
namespace {

std::vector<Jet> jets_of(std::span<double const> parameters) {
    std::vector<Jet> out;
    for (std::size_t p = 0; p < parameters.size(); ++p) out.push_back(Jet::parameter(parameters[p], p));
    return out;
}

struct Linearised {
    Matrix jacobian;
    std::vector<double> residual;
    double sse = 0.0;
    bool finite = true;
};

Linearised linearised(Model const& model, std::span<double const> y, std::span<double const> parameters) {
    Linearised out{Matrix(y.size(), parameters.size()), {}, 0.0, true};
    auto const jets = jets_of(parameters);
    for (std::size_t i = 0; i < y.size(); ++i) {
        Jet const value = model(i, jets);
        out.residual.push_back(y[i] - value.v);
        out.sse += out.residual.back() * out.residual.back();
        for (std::size_t p = 0; p < parameters.size(); ++p) {
            out.jacobian(i, p) = value.d[p];
            out.finite = out.finite && std::isfinite(value.d[p]);
        }
    }
    out.finite = out.finite && std::isfinite(out.sse);
    return out;
}

// The sum of squares that the linear model promises after this step.
double promised(Linearised const& at, std::span<double const> step) {
    double sum = 0.0;
    for (std::size_t i = 0; i < at.residual.size(); ++i) {
        double rest = at.residual[i];
        for (std::size_t p = 0; p < step.size(); ++p) rest -= at.jacobian(i, p) * step[p];
        sum += rest * rest;
    }
    return sum;
}

}  // namespace

LeastSquares least_squares(Model const& model, std::span<double const> y, std::span<double const> start) {
    LeastSquares out;
    out.parameters.assign(start.begin(), start.end());
    auto now = linearised(model, y, out.parameters);
    std::size_t const n = start.size();
    std::vector<double> scale(n, 0.0);
    double damping = 1e-3;
    double growth = 2.0;
    for (; now.finite && !out.converged && out.steps < least_squares_steps_max; ++out.steps) {
        // The damping stands under the Jacobian as rows of its own.
        Matrix stacked(y.size() + n, n);
        std::copy(now.jacobian.data(), now.jacobian.data() + y.size() * n, stacked.data());
        std::vector<double> right = now.residual;
        right.resize(y.size() + n, 0.0);
        for (std::size_t p = 0; p < n; ++p) {
            double square = 0.0;
            for (std::size_t i = 0; i < y.size(); ++i) square += now.jacobian(i, p) * now.jacobian(i, p);
            scale[p] = std::fmax(scale[p], std::sqrt(square));
        }
        bool improved = false;
        while (damping < 1e40) {
            for (std::size_t p = 0; p < n; ++p) stacked(y.size() + p, p) = std::sqrt(damping) * scale[p];
            auto const step = least_squares_solution(stacked, right);
            std::vector<double> next = out.parameters;
            double longest = 0.0;
            for (std::size_t p = 0; p < n; ++p) {
                next[p] += step[p];
                longest = std::fmax(longest, std::fabs(step[p]) / (std::fabs(next[p]) + 1e-300));
            }
            auto there = linearised(model, y, next);
            if (there.finite && there.sse < now.sse) {
                double const gain = (now.sse - there.sse) / std::fmax(now.sse - promised(now, step), 1e-300);
                double const ease = 2.0 * gain - 1.0;
                damping *= std::fmax(1.0 / 3.0, 1.0 - ease * ease * ease);
                growth = 2.0;
                out.parameters = std::move(next);
                now = std::move(there);
                improved = true;
                out.converged = longest < 1e-12;
                break;
            }
            if (longest < 1e-13) break;
            damping *= growth;
            growth *= 2.0;
        }
        if (!improved) out.converged = true;
    }
    out.sse = now.sse;
    return out;
}

Matrix covariance(Model const& model, std::span<double const> y, std::span<double const> parameters, double variance,
                  Information information) {
    std::size_t const n = parameters.size();
    Matrix out(n, n);
    if (information == Information::gauss_newton) {
        auto const gram = inverse_of_gram(linearised(model, y, parameters).jacobian);
        for (std::size_t p = 0; p < n; ++p)
            for (std::size_t q = 0; q < n; ++q) out(p, q) = gram ? variance * (*gram)(p, q) : std::numeric_limits<double>::quiet_NaN();
        return out;
    }
    auto const jets = jets_of(parameters);
    for (std::size_t i = 0; i < y.size(); ++i) {
        Jet const value = model(i, jets);
        double const r = y[i] - value.v;
        for (std::size_t p = 0; p < n; ++p)
            for (std::size_t q = 0; q < n; ++q) out(p, q) += value.d[p] * value.d[q] - r * value.second(p, q);
    }
    out = inverse(out);
    for (std::size_t p = 0; p < n; ++p)
        for (std::size_t q = 0; q < n; ++q) out(p, q) *= variance;
    return out;
}

}  // namespace marrowlink::analysis
