#include "gateway/outbox_schema.hpp"

#include <fmt/format.h>

#include "core/log.hpp"
#include "gateway/outbox_store.hpp"
#include "io/migration.hpp"

namespace marrowlink {
namespace {

// A step that has been shipped never changes, and none moves a table: a file that has lost its first page is read through that of a new
// one.
constexpr char const* steps[] = {
    R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE record(seq INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, run TEXT NOT NULL, type TEXT NOT NULL, attributes BLOB NOT NULL,
                    data BLOB NOT NULL, chain BLOB NOT NULL, appended_ms INTEGER NOT NULL, bytes_through INTEGER NOT NULL) STRICT;
CREATE INDEX record_run ON record(run) WHERE type IN ('run.started', 'run.finished');
CREATE TABLE journal(instrument TEXT NOT NULL, start INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(instrument, start)) STRICT;
CREATE TABLE open_run(run TEXT PRIMARY KEY, instrument TEXT NOT NULL, plate TEXT NOT NULL, sourcekey TEXT NOT NULL, started TEXT NOT NULL) STRICT;
CREATE TABLE taken(instrument TEXT NOT NULL, sha256 TEXT NOT NULL, run TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY(instrument, sha256)) STRICT;
CREATE TABLE blanked(original_sha256 TEXT NOT NULL, offset INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(original_sha256, offset)) STRICT;
CREATE TABLE salvage(stream TEXT PRIMARY KEY, acknowledged INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
)sql",
    // What a page shows of a run after a restart: also how it was labelled or aborted, and which runs were the last.
    R"sql(
DROP INDEX record_run;
CREATE INDEX record_run ON record(run) WHERE type IN ('run.started', 'run.finished', 'run.aborted', 'run.labelled');
CREATE INDEX record_latest ON record(seq, run) WHERE type IN ('run.started', 'run.finished', 'run.aborted', 'run.labelled');
)sql"};
Schema const outbox_schema{"outbox", outbox_application_id, steps};

}  // namespace

Result<void> recognise_outbox(Database& database, std::string const& stream) {
    auto const application = database.pragma("application_id");
    auto const version = database.pragma("user_version");
    if (!application) return fail(application.error());
    if (!version) return fail(version.error());
    std::string const file = database.path().string();
    if (*application != outbox_application_id)
        return fail(Fault::broken,
                    fmt::format("{} is not an outbox: its application id is {}, expected {}.", file, *application, outbox_application_id));
    auto const newest = static_cast<std::int64_t>(outbox_schema.steps.size());
    if (*version > newest)
        return fail(Fault::configuration,
                    fmt::format("{} was written by a newer version (layout {}, this program knows {}); install that version again.", file,
                                *version, newest));
    // The number alone proves nothing once someone has switched versions back and forth.
    auto const found = database.schema();
    auto const expected = schema_text(outbox_schema, static_cast<std::size_t>(std::max<std::int64_t>(*version, 0)));
    if (!found) return fail(found.error());
    if (!expected) return fail(expected.error());
    if (*version < 1 || *found != *expected)
        return fail(Fault::broken, fmt::format("{} says layout {} but its tables are not those of that layout.", file, *version));
    auto named = database.prepare("SELECT value FROM meta WHERE name='stream'");
    if (!named) return fail(named.error());
    auto const row = named->step();
    if (!row) return fail(row.error());
    if (!*row || named->text(0) != stream)
        return fail(Fault::broken, fmt::format("{} holds stream {}, expected {}.", file, *row ? named->text(0) : "none", stream));
    named->reset();
    if (*version == newest) return {};
    log::info("outbox.older_version_found", {{"file", file}, {"layout", *version}, {"becomes", newest}, {"kept", "a copy beside it"}});
    if (auto const done = bring_up_to_date(database, outbox_schema, static_cast<std::size_t>(*version)); !done) return done;
    log::info("outbox.brought_up_to_date", {{"file", file}, {"layout", newest}});
    return {};
}

// Whole or not at all: an existing file without our tables is then always a damaged one, never one that a killed process left half made.
// Making it again under the same name would give the same ids to other records.
Result<void> OutboxStore::create(std::filesystem::path const& path, std::string const& stream) {
    auto memory = Database::open(":memory:", Database::Mode::create);
    if (!memory) return fail(memory.error());
    std::string const sql = fmt::format(
        "BEGIN IMMEDIATE; {} INSERT INTO meta VALUES('stream', '{}'), ('acknowledged', '0'), ('acknowledged_bytes', '0'), ('pruned', '0'), "
        "('pruned_chain', '{}'); PRAGMA application_id={}; PRAGMA user_version={}; COMMIT;",
        fmt::join(steps, ""), stream, hex(chain_start(stream)), outbox_application_id, std::size(steps));
    if (auto made = memory->exec(sql.c_str()); !made) return fail(made.error());
    return memory->backup_to(path);
}

}  // namespace marrowlink
