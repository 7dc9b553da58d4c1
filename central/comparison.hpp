// One subject's diagnosis against relapse, made of the results of its plates. Pure, as evaluation_result.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace marrowlink::central {

inline constexpr std::size_t subject_plates_max = 64;  // of one subject; more are not compared, and the answer says so

struct SubjectPlate {
    std::int64_t id = 0;  // only repeated
    std::string site, instrument, run;
    json::object result;  // as evaluation_result.hpp says
};

// {subject, plates: [{id, site, instrument, run, verdict, reason, barcode, state, timepoint, compartment, medium, hours_to_test, readout,
// software, layout, sample, files, definitions}], doubts: [sentence], drugs: [{drug, diagnosis, relapse, site, delta, lo95, hi95,
// detectable, call, flags, not_comparable}], definition, interval}: drugs by |delta|, largest first, then what is not comparable, by name.
// Compared are plates whose state is evaluated and whose verdict is pass or review; a drug with more than one curve at a timepoint, with
// other doses, without a finite standard error or from two sites is not comparable, and says why. No interval stands where one of the
// scores is 0.
json::object comparison(std::string const& subject, std::vector<SubjectPlate> const& plates);

}  // namespace marrowlink::central
