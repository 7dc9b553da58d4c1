// Drug combinations on one plate (the study's definitions 1.8): what two drugs do together beyond what is expected of them, in percentage
// points of inhibition; above 0 is synergy. Deterministic: nothing is added to break ties.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "central/analysis/logistic.hpp"

namespace marrowlink::analysis {

struct Combination {
    double conc_1 = 0.0, conc_2 = 0.0;  // 0: without that drug
    double response = 0.0;              // percent inhibition
};

struct CombinationEffect {
    double bliss_ref, hsa_ref;  // expected, from the measured single drugs
    double bliss, hsa;          // excess; 0 where one of the drugs is absent
    double zip_fit, zip_ref, zip;
    double loewe_ref, loewe;  // NaN where not evaluable: the response is above what one of the drugs alone can reach
};
struct Synergy {
    std::string not_evaluable;                         // "no response of drug 1 alone at 39.0626"; empty when all is there
    std::vector<CombinationEffect> effects;            // in the order of the combinations
    double mean_bliss, mean_hsa, mean_zip, max_bliss;  // over combinations of both drugs
    std::string note_1, note_2;                        // of the single drugs' fits: "does not rise over its doses: taken as constant"
};
// Each combination once; both drugs alone at every concentration that occurs, and the well without either.
Synergy synergy_of(std::span<Combination const> combinations);

}  // namespace marrowlink::analysis
