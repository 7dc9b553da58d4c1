// A database file whose shape is known: created, brought up to date or refused, never half of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "io/sqlite.hpp"

namespace marrowlink {

struct Schema {
    std::string_view what;               // for people: "central database", "outbox"
    std::uint32_t application_id;        // PRAGMA application_id of every such file
    std::span<char const* const> steps;  // step n turns user_version n into n + 1; all SQL, plain statements
};

// Opens or creates `path` in WAL mode with synchronous=FULL. An empty file gets all steps in one transaction. An older file is copied to
// `<path>.before-v<N>` first, then gets the missing steps in one transaction. Refused with `configuration` (exit 78, so that a service
// manager does not try again): another application's file, a newer user_version, a schema that is not what its user_version says.
Result<Database> open_with_schema(std::filesystem::path const& path, Schema const& schema, std::string const& vfs = {});

// The same checks on a file that is only read; an older version is refused too.
Result<Database> open_for_reading(std::filesystem::path const& path, Schema const& schema, Database::Mode mode);

// For a file that is made and checked by other rules. The text (as Database::schema) of version `version`, made by the same SQL, so that it
// cannot drift from it; and the way from version `from` to the newest, a copy first, as above.
Result<std::string> schema_text(Schema const& schema, std::size_t version);
Result<void> bring_up_to_date(Database& database, Schema const& schema, std::size_t from);

}  // namespace marrowlink
