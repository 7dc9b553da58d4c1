#include "io/migration.hpp"

#include <fmt/format.h>

namespace marrowlink {
namespace {
struct Found {
    std::int64_t application_id, version;
    std::string schema;
};

Result<Found> look(Database& database) {
    auto const application = database.pragma("application_id");
    if (!application) return fail(application.error());
    auto const version = database.pragma("user_version");
    if (!version) return fail(version.error());
    auto schema = database.schema();
    if (!schema) return fail(schema.error());
    return Found{*application, *version, std::move(*schema)};
}

Result<void> apply(Database& database, Schema const& schema, std::size_t from) {
    auto transaction = Transaction::begin(database);
    if (!transaction) return fail(transaction.error());
    for (std::size_t step = from; step < schema.steps.size(); ++step)
        if (auto const done = database.exec(schema.steps[step]); !done) return done;
    std::string const marks = fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", schema.application_id, schema.steps.size());
    if (auto const done = database.exec(marks.c_str()); !done) return done;
    return transaction->commit();
}

std::string first_difference(std::string_view found, std::string_view expected) {
    std::size_t start = 0;
    for (std::size_t i = 0; i < found.size() && i < expected.size() && found[i] == expected[i]; ++i)
        if (found[i] == '\n') start = i + 1;
    auto const line = [start](std::string_view text) {
        auto const rest = text.substr(std::min(start, text.size()));
        return rest.empty() ? std::string_view{"nothing more"} : rest.substr(0, std::min<std::size_t>(rest.find('\n'), 160));
    };
    return fmt::format("found \"{}\" where \"{}\" was expected", line(found), line(expected));
}

Result<void> check(Found const& found, Schema const& schema, std::string const& path) {
    auto const newest = static_cast<std::int64_t>(schema.steps.size());
    if (found.application_id != schema.application_id) {
        return fail(Fault::configuration,
                    fmt::format("{} is not a Marrowlink {}: its application id is {:#x}, expected {:#x}. Name another file.", path,
                                schema.what, found.application_id, schema.application_id));
    }
    if (found.version > newest) {
        return fail(
            Fault::configuration,
            fmt::format("{} was written by a newer Marrowlink: it is version {} of the {}, and this program knows versions up to {}. "
                        "Install the newer program; nothing was changed.",
                        path, found.version, schema.what, newest));
    }
    auto const expected = found.version < 0 ? std::string{} : schema_text(schema, static_cast<std::size_t>(found.version));
    if (!expected) return fail(expected.error());
    if (found.schema != *expected) {
        return fail(Fault::configuration, fmt::format("{} says that it is version {} of the {}, but its tables differ: {}. Restore a "
                                                      "backup or set the file aside; nothing was changed.",
                                                      path, found.version, schema.what, first_difference(found.schema, *expected)));
    }
    return {};
}
}  // namespace

Result<std::string> schema_text(Schema const& schema, std::size_t version) {
    auto model = Database::open(":memory:", Database::Mode::create);
    if (!model) return fail(model.error());
    for (std::size_t step = 0; step < version; ++step)
        if (auto const done = model->exec(schema.steps[step]); !done) return fail(done.error());
    return model->schema();
}

Result<void> bring_up_to_date(Database& database, Schema const& schema, std::size_t from) {
    auto const copy = std::filesystem::path{fmt::format("{}.before-v{}", database.path().string(), schema.steps.size())};
    std::error_code error;
    // A copy left by an attempt that was killed holds the same old content: the version it was made from is still the version here.
    if (!std::filesystem::exists(copy, error))
        if (auto const copied = database.backup_to(copy); !copied) return copied;
    return apply(database, schema, from);
}

Result<Database> open_with_schema(std::filesystem::path const& path, Schema const& schema, std::string const& vfs) {
    auto database = Database::open(path, Database::Mode::create, vfs);
    if (!database) return database;
    auto found = look(*database);
    if (!found) return fail(found.error());
    bool const empty = found->application_id == 0 && found->version == 0 && found->schema.empty();
    if (!empty)
        if (auto const known = check(*found, schema, path.string()); !known) return fail(known.error());

    // Only now: nothing of a file that is not ours is touched, its journal mode included.
    if (auto const set =
            database->exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864");
        !set)
        return fail(set.error());
    auto const from = static_cast<std::size_t>(empty ? 0 : found->version);
    if (from == schema.steps.size()) return database;
    auto const done = empty ? apply(*database, schema, from) : bring_up_to_date(*database, schema, from);
    if (!done) return fail(done.error());
    return database;
}

Result<Database> open_for_reading(std::filesystem::path const& path, Schema const& schema, Database::Mode mode) {
    auto database = Database::open(path, mode);
    if (!database) return database;
    auto found = look(*database);
    if (!found) return fail(found.error());
    if (auto const known = check(*found, schema, path.string()); !known) return fail(known.error());
    if (found->version != static_cast<std::int64_t>(schema.steps.size())) {
        return fail(
            Fault::configuration,
            fmt::format("{} is version {} of the {}; this program reads version {}. Open it once with `run` to bring it up to date.",
                        path.string(), found->version, schema.what, schema.steps.size()));
    }
    return database;
}

}  // namespace marrowlink
