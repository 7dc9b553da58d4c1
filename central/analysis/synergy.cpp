#include "central/analysis/synergy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "central/analysis/elementary.hpp"
#include "central/analysis/statistics.hpp"

namespace marrowlink::analysis {
namespace {
constexpr double none = std::numeric_limits<double>::quiet_NaN();

double position(double conc) { return conc > 0.0 ? log10(conc) : -std::numeric_limits<double>::infinity(); }

// Responses along one drug's concentrations, the other's held.
struct Line {
    std::vector<double> x, y;

    // Do the responses rise over the concentrations above 0? By the sign of their regression on x.
    bool rises() const {
        double n = 0.0, sum_x = 0.0, xy = 0.0, sum_y = 0.0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (std::isinf(x[i])) continue;
            n += 1.0;
            sum_x += x[i];
            sum_y += y[i];
            xy += x[i] * y[i];
        }
        return xy - sum_x * sum_y / n > 0.0;
    }
};

// Of responses that do not rise over the measured doses, slope and midpoint are not determined, even where the well without the drug lies
// lower: the drug counts as constant there.
LogisticFit fitted(Line const& line, std::optional<double> bottom) {
    if (line.rises()) {
        auto const doses = Doses::of(line.x, line.y);
        auto bounds = wide_bounds(doses);
        if (bottom) bounds.bottom = {*bottom, *bottom};
        return fit_logistic(doses, bounds);
    }
    LogisticFit constant;
    constant.slope = 1.0;
    constant.top = constant.bottom = mean(line.y);
    return constant;
}

double both(double a, double b) { return a + b - a * b / 100.0; }

// The concentration at which a curve reaches an effect; NaN where it does not.
double dose_for(LogisticFit const& fit, double effect) {
    double const share = (effect - fit.bottom) / (fit.top - fit.bottom);
    if (!(share > 0.0 && share < 1.0)) return none;
    return exp10(fit.midpoint - log10((1.0 - share) / share) / fit.slope);
}

// The effect at which c1 / D1(E) + c2 / D2(E) = 1: the sum falls as E grows, so it is found by bisection.
double loewe_effect(LogisticFit const& first, LogisticFit const& second, double c1, double c2) {
    double lo = std::max(std::min(first.bottom, first.top), std::min(second.bottom, second.top));
    double hi = std::min(std::max(first.bottom, first.top), std::max(second.bottom, second.top));
    if (!(hi > lo)) return none;
    auto const sum = [&](double effect) { return c1 / dose_for(first, effect) + c2 / dose_for(second, effect); };
    double const width = hi - lo;
    lo += 1e-9 * width;
    hi -= 1e-9 * width;
    if (!(sum(lo) >= 1.0) || !(sum(hi) <= 1.0)) return none;
    for (int step = 0; step < 60; ++step) {
        double const middle = 0.5 * (lo + hi);
        (sum(middle) > 1.0 ? lo : hi) = middle;
    }
    return 0.5 * (lo + hi);
}

}  // namespace

Synergy synergy_of(std::span<Combination const> combinations) {
    Synergy out{};
    std::map<std::pair<double, double>, double> response;
    std::map<double, Line> along_1, along_2;  // by the other drug's concentration
    for (Combination const& one : combinations) {
        if (!response.emplace(std::pair{one.conc_1, one.conc_2}, one.response).second) {
            out.not_evaluable = fmt::format("{} with {} occurs twice", one.conc_1, one.conc_2);
            return out;
        }
        along_1[one.conc_2].x.push_back(position(one.conc_1));
        along_1[one.conc_2].y.push_back(one.response);
        along_2[one.conc_1].x.push_back(position(one.conc_2));
        along_2[one.conc_1].y.push_back(one.response);
    }
    for (Combination const& one : combinations)
        for (auto const& [c1, c2, alone] : {std::tuple{one.conc_1, 0.0, "drug 1"}, std::tuple{0.0, one.conc_2, "drug 2"}})
            if (!response.contains({c1, c2})) {
                out.not_evaluable = fmt::format("no response of {} alone at {}", alone, c1 > 0.0 ? c1 : c2);
                return out;
            }
    if (along_1.size() < 4 || along_2.size() < 4) {
        out.not_evaluable = fmt::format("{} and {} concentrations, each at least 4 with 0", along_2.size(), along_1.size());
        return out;
    }
    LogisticFit const first = fitted(along_1.at(0.0), std::nullopt);
    LogisticFit const second = fitted(along_2.at(0.0), std::nullopt);
    constexpr std::string_view flat = "does not rise over its doses: taken as constant";
    if (!along_1.at(0.0).rises()) out.note_1 = flat;
    if (!along_2.at(0.0).rises()) out.note_2 = flat;
    // Each drug again beside every concentration of the other, from where the other alone has brought the cells.
    std::map<double, LogisticFit> fits_1, fits_2;
    for (auto const& [c2, line] : along_1) fits_1[c2] = c2 == 0.0 ? first : fitted(line, response.at({0.0, c2}));
    for (auto const& [c1, line] : along_2) fits_2[c1] = c1 == 0.0 ? second : fitted(line, response.at({c1, 0.0}));
    double bliss = 0.0, hsa = 0.0, zip = 0.0, count = 0.0;
    out.max_bliss = -std::numeric_limits<double>::infinity();
    for (Combination const& one : combinations) {
        double const alone_1 = response.at({one.conc_1, 0.0});
        double const alone_2 = response.at({0.0, one.conc_2});
        bool const together = one.conc_1 > 0.0 && one.conc_2 > 0.0;
        CombinationEffect effect{};
        effect.bliss_ref = both(alone_1, alone_2);
        effect.hsa_ref = together ? std::max(alone_1, alone_2) : one.response;
        effect.zip_ref = both(first(position(one.conc_1)), second(position(one.conc_2)));
        effect.zip_fit = 0.5 * (fits_1.at(one.conc_2)(position(one.conc_1)) + fits_2.at(one.conc_1)(position(one.conc_2)));
        effect.loewe_ref = together ? loewe_effect(first, second, one.conc_1, one.conc_2) : one.response;
        effect.loewe = one.response - effect.loewe_ref;
        if (together) {
            effect.bliss = one.response - effect.bliss_ref;
            effect.hsa = one.response - effect.hsa_ref;
            effect.zip = effect.zip_fit - effect.zip_ref;
            bliss += effect.bliss;
            hsa += effect.hsa;
            zip += effect.zip;
            count += 1.0;
            out.max_bliss = std::max(out.max_bliss, effect.bliss);
        }
        out.effects.push_back(effect);
    }
    out.mean_bliss = bliss / count;
    out.mean_hsa = hsa / count;
    out.mean_zip = zip / count;
    return out;
}

}  // namespace marrowlink::analysis
