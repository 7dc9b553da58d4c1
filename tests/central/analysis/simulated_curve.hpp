// Curves whose truth is known, with noise that is the same in every run.
#pragma once

#include <cstdint>
#include <vector>

#include "central/analysis/logistic.hpp"
#include "central/analysis/random.hpp"

namespace marrowlink::analysis {

inline LogisticFit curve(double slope, double midpoint, double top, double bottom = 0.0) {
    LogisticFit fit;
    fit.slope = slope;
    fit.midpoint = midpoint;
    fit.top = top;
    fit.bottom = bottom;
    return fit;
}

// Doses from 10^0 to 10^4, `replicates` wells of each, around the truth by a standard deviation of `spread`.
inline Doses noisy(LogisticFit const& truth, int doses, int replicates, double spread, PhiloxKey key, std::uint64_t stream) {
    NormalStream normal(key, stream);
    std::vector<double> x, y;
    for (int dose = 0; dose < doses; ++dose)
        for (int replicate = 0; replicate < replicates; ++replicate) {
            x.push_back(4.0 * dose / (doses - 1));
            y.push_back(truth(x.back()) + spread * normal.next());
        }
    return Doses::of(x, y);
}

}  // namespace marrowlink::analysis
