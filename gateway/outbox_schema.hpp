// The shape of an outbox's file, and how one of ours is told from one that is not.
#pragma once

#include <string>

#include "core/error.hpp"
#include "io/sqlite.hpp"

namespace marrowlink {

inline constexpr std::uint32_t outbox_application_id = 0x4D4C4F42;  // "MLOB"

// What tells of a run: the condition of the indexes `record_run` (run → seq) and `record_latest` (seq, run). SQLite uses them only for a
// query that says it in these words.
inline constexpr std::string_view tells_of_a_run = "type IN ('run.started', 'run.finished', 'run.aborted', 'run.labelled')";

// That `database` is the outbox of `stream`, brought up to date when an older version wrote it. `broken` when its tables are not what its
// version says or it holds another stream, `configuration` when a newer version wrote it.
Result<void> recognise_outbox(Database& database, std::string const& stream);

}  // namespace marrowlink
