// Subjects as the page shows them, from the latest evaluation of each run, on the store thread.
#pragma once

#include <string>
#include <vector>

#include "central/bundle.hpp"
#include "central/cohort.hpp"
#include "central/comparison.hpp"
#include "core/json.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

inline constexpr std::int64_t subjects_listed_max = 500;  // by pseudonym

// [{subject, plates}]
Result<json::array> subjects(Database& database);

// The latest evaluation of each run of it, by barcode; at most subject_plates_max + 1. None where the subject is not known.
Result<std::vector<SubjectPlate>> plates_of(Database& database, std::string const& subject);

// Diagnosis against relapse (comparison.hpp). Empty where the subject is not known.
Result<json::object> comparison_of(Database& database, std::string const& subject);

// All subjects that are listed (cohort.hpp); `cut_at`: there may be more, which are not in it.
Result<json::object> cohort_of(Database& database);

// The latest evaluation of one run, as evaluation_result.hpp says, with `id`, `site`, `instrument`, `run`, `evaluated` and `verdict`. Empty
// where there is none.
Result<json::object> evaluation(Database& database, std::int64_t run);

// All that the comparison rests on. Refused: a subject of whom there is no plate, or more than subject_plates_max; a plate whose originals
// do not give the stored readings and result again; and one that another version of this software evaluated, until all is evaluated again.
Result<Bundle> bundle_of(Database& database, std::string const& subject);

// subject_report.hpp; empty where the subject is not known.
Result<std::string> report_of(Database& database, std::string const& subject);

}  // namespace marrowlink::central
