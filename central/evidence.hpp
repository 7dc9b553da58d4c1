// What the store holds of a run, put together from its records, on the store thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "central/evaluation_result.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

enum class Readings : bool { without, with };
// Of this version of the software. Readings are left out also where evaluation_result looks at none.
Result<PlateEvidence> evidence_of(Database& database, std::int64_t run, std::int64_t manifest, std::string_view barcode, Readings readings);

// The readings of a run that is whole do not change.
bool same_but_readings(PlateEvidence const& one, PlateEvidence const& other);

Result<std::vector<Reading>> readings_of(Database& database, std::int64_t run);

// The bytes of one of its files as they left the site. `broken` when they are not what their SHA-256 says.
Result<std::string> file_of(Database& database, std::int64_t run, RunFile const& file);

}  // namespace marrowlink::central
