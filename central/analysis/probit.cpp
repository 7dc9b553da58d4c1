#include "central/analysis/probit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "central/analysis/distribution.hpp"
#include "central/analysis/elementary.hpp"
#include "central/analysis/linear_algebra.hpp"

namespace marrowlink::analysis {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

double link_inverse(double eta) {
    static double const threshold = -normal_quantile(epsilon);
    return normal_cdf(std::clamp(eta, -threshold, threshold));
}

double deviance(std::span<double const> v, std::span<double const> mu) {
    auto const term = [](double y, double m) { return y != 0.0 ? y * log(y / m) : 0.0; };
    double sum = 0.0;
    for (std::size_t i = 0; i < v.size(); ++i) sum += 2.0 * (term(v[i], mu[i]) + term(1.0 - v[i], 1.0 - mu[i]));
    return sum;
}

// Weighted regression of z on 1 and x.
std::vector<double> weighted_line(std::span<double const> x, std::span<double const> z, std::span<double const> w) {
    Matrix design(x.size(), 2);
    std::vector<double> response;
    for (std::size_t i = 0; i < x.size(); ++i) {
        design(i, 0) = w[i];
        design(i, 1) = w[i] * x[i];
        response.push_back(w[i] * z[i]);
    }
    return least_squares_solution(design, response);
}

// Antiderivative of Phi.
double integral_of_phi(double z) { return z * normal_cdf(z) + normal_density(z); }

}  // namespace

ProbitFit fit_probit(std::span<double const> concentrations, std::span<double const> viability) {
    ProbitFit out;
    // From the highest dose down, as screening files are written: where the likelihood has no maximum, rounding and so the order decides
    // where the steps end.
    std::vector<std::pair<double, double>> wells;
    for (std::size_t i = 0; i < concentrations.size(); ++i) wells.emplace_back(-concentrations[i], std::clamp(viability[i], 0.0, 1.0));
    std::sort(wells.begin(), wells.end());
    std::vector<double> x, v;
    for (auto const& [below, share] : wells) {
        x.push_back(-below);
        v.push_back(share);
    }
    auto const [xmin, xmax] = std::minmax_element(x.begin(), x.end());
    if (x.size() < 2 || *xmin == *xmax) {
        out.not_evaluable = "one concentration only";
        return out;
    }
    out.separated = std::count_if(v.begin(), v.end(), [](double y) { return y > 0.0 && y < 1.0; }) < 2;
    std::vector<double> eta, mu, z(v.size()), w(v.size());
    for (double const y : v) {
        eta.push_back(normal_quantile((y + 0.5) / 2.0));
        mu.push_back(link_inverse(eta.back()));
    }
    double before = deviance(v, mu);
    for (int step = 0; step < 50 && !out.converged; ++step) {
        for (std::size_t i = 0; i < v.size(); ++i) {
            double const density = std::fmax(normal_density(eta[i]), epsilon);
            z[i] = eta[i] + (v[i] - mu[i]) / density;
            w[i] = std::sqrt(density * density / (mu[i] * (1.0 - mu[i])));
        }
        auto const line = weighted_line(x, z, w);
        double const b0 = line[0];
        double const b1 = line[1];
        if (!std::isfinite(b0) || !std::isfinite(b1)) break;
        out.b0 = b0;
        out.b1 = b1;
        for (std::size_t i = 0; i < v.size(); ++i) {
            eta[i] = b0 + b1 * x[i];
            mu[i] = link_inverse(eta[i]);
        }
        double const now = deviance(v, mu);
        out.converged = std::fabs(now - before) / (std::fabs(now) + 0.1) < 1e-14;
        before = now;
    }
    double const range = *xmax - *xmin;
    double const z0 = out.b0 + out.b1 * *xmin;
    double const z1 = out.b0 + out.b1 * *xmax;
    double const share = std::fabs(z1 - z0) > 1e-9 ? (integral_of_phi(z1) - integral_of_phi(z0)) / (z1 - z0) : normal_cdf(0.5 * (z0 + z1));
    out.log10_ic50_um = -out.b0 / out.b1;
    out.auc_viability_x_log10 = 100.0 * share * range;
    out.auc_mean_viability_pct = 100.0 * share;
    return out;
}

}  // namespace marrowlink::analysis
