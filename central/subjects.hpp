// Subjects as the page shows them, from the latest evaluation of each run, on the store thread.
#pragma once

#include <string>

#include "core/json.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

inline constexpr std::int64_t subjects_listed_max = 500;  // by pseudonym
inline constexpr std::int64_t subject_plates_max = 64;    // of one subject; more are not compared, and the answer says so

// [{subject, plates}]
Result<json::array> subjects(Database& database);

// Diagnosis against relapse: {subject, plates: [{id, site, barcode, timepoint, state, verdict, reason, compartment, medium,
// hours_to_test}], doubts: [sentence], drugs: [{drug, diagnosis, relapse, delta, lo95, hi95, detectable, call, flags, not_comparable}],
// definition}, by growing doubt about a change: by |delta|, largest first, then what is not comparable, by name. Compared are plates whose
// state is evaluated and whose verdict is pass or review; a drug with more than one curve at a timepoint, with other doses, without a
// finite standard error or from two sites is not comparable, and says why. No interval stands where one of the
// scores is 0. Empty where the subject is not known.
Result<json::object> comparison(Database& database, std::string const& subject);

// The latest evaluation of one run, as evaluation_result.hpp says, with `id`, `site`, `instrument`, `run`, `evaluated` and `verdict`. Empty
// where there is none.
Result<json::object> evaluation(Database& database, std::int64_t run);

}  // namespace marrowlink::central
