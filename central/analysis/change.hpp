// One patient's change of a drug's score from diagnosis to relapse (the study's definitions 1.10).
#pragma once

#include <string_view>

namespace marrowlink::analysis {

// The smallest detectable change of serial AML pairs (15 patients, 82 drugs, median over drugs; there with all that differs between two
// runs): the least that is called a change until bridging controls of the study's own say by how much one run differs from the next.
inline constexpr double detectable_dss2_min = 5.8;

struct Score {
    double value, se;
};

struct ScoreChange {
    double delta;       // relapse - diagnosis
    double lo, hi;      // 95 %, of both scores' standard errors alone: no run-to-run variation is in it; NaN where a score is 0, its limit,
                        // at which a standard error says nothing
    double detectable;  // the larger of detectable_dss2_min and 1.96 standard errors of delta
    enum class Call : unsigned char { gained, lost, none_seen } call;
};
ScoreChange score_change(Score const& diagnosis, Score const& relapse);  // both with a finite standard error

std::string_view name_of(ScoreChange::Call call);  // "gained effect", "lost effect", "no change that could be seen"

}  // namespace marrowlink::analysis
