#include "central/analysis/change.hpp"

#include <cmath>
#include <limits>

namespace marrowlink::analysis {

ScoreChange score_change(Score const& diagnosis, Score const& relapse) {
    double const delta = relapse.value - diagnosis.value;
    double const half = 1.959963984540054 * std::sqrt(diagnosis.se * diagnosis.se + relapse.se * relapse.se);
    bool const at_limit = diagnosis.value <= 0.0 || relapse.value <= 0.0;
    double const reach = at_limit ? std::numeric_limits<double>::quiet_NaN() : half;
    double const detectable = std::fmax(detectable_dss2_min, half);
    using Call = ScoreChange::Call;
    return {delta, delta - reach, delta + reach, detectable,
            delta >= detectable    ? Call::gained
            : delta <= -detectable ? Call::lost
                                   : Call::none_seen};
}

std::string_view name_of(ScoreChange::Call call) {
    constexpr std::string_view names[] = {"gained effect", "lost effect", "no change that could be seen"};
    return names[static_cast<std::size_t>(call)];
}

}  // namespace marrowlink::analysis
