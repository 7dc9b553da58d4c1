// What marrowlink-central does besides running: each command prints what came of it, and returns the error whose kind is the exit code.
#pragma once

#include <filesystem>
#include <string>

#include "central/annotations.hpp"
#include "core/error.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

Result<void> check(std::filesystem::path const& config_file);

// The database named on the command line, or the configured one.
Result<std::filesystem::path> database_of(std::filesystem::path const& named, std::filesystem::path const& config_file);

// A database, a backup, an export or a bundle; `recompute`: a bundle, whose numbers are made again. `refused` when anything differs,
// `unavailable` when only another version can tell.
Result<void> verify_file(std::filesystem::path const& path, bool recompute);

// `how`: Database::vacuum_into or Database::backup_to.
Result<void> copy(std::filesystem::path const& from, std::filesystem::path const& to,
                  Result<void> (Database::*how)(std::filesystem::path const&));

// One subject in one file, whole or not at all; a file that is there already is refused.
Result<void> write_report(std::filesystem::path const& database, std::string const& subject, std::filesystem::path const& to);
Result<void> write_bundle(std::filesystem::path const& database, std::string const& subject, std::filesystem::path const& to);

// Everything from the raw records again, by this version, beside a running centre too; `changes`: a CSV of what differs, unless empty.
Result<void> recompute(std::filesystem::path const& database, std::filesystem::path const& changes);

// Of all evaluations that there ever were, what differs from the one before.
Result<void> write_changes(std::filesystem::path const& database, std::filesystem::path const& to);

Result<void> annotate(std::filesystem::path const& database, AnnotationKind kind, std::filesystem::path const& file,
                      std::string const& barcode);

}  // namespace marrowlink::central
