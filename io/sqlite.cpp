#include "io/sqlite.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace marrowlink {
namespace {
Fault fault_of(int code) {
    switch (code & 0xFF) {
        case SQLITE_FULL:
        case SQLITE_TOOBIG: return Fault::full;
        case SQLITE_CONSTRAINT:
        case SQLITE_MISMATCH: return Fault::refused;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_READONLY:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_PROTOCOL:
        case SQLITE_NOLFS:
        case SQLITE_NOMEM:
        case SQLITE_INTERRUPT: return Fault::unavailable;
        default: return Fault::broken;
    }
}

Error error_of(sqlite3* database, std::string_view doing) {
    int const code = sqlite3_extended_errcode(database);
    char const* const name = sqlite3_db_filename(database, "main");
    return Error{fault_of(code), fmt::format("{}: {}: SQLite says \"{}\" (code {}).", name && *name ? name : ":memory:", doing,
                                             sqlite3_errmsg(database), code)};
}

// `path` as an immutable URI; SQLite reads only %, ? and # specially there.
std::string immutable_uri(std::string const& path) {
    std::string uri = "file:";
    for (char const c : path) {
        if (c == '%' || c == '?' || c == '#')
            uri += fmt::format("%{:02x}", static_cast<unsigned char>(c));
        else
            uri += c;
    }
    return uri + "?immutable=1";
}

// The new name must survive a power cut as well as the bytes do.
Result<void> publish(std::filesystem::path const& part, std::filesystem::path const& to) {
    int const file = ::open(part.c_str(), O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    std::error_code error;
    if (good) std::filesystem::rename(part, to, error);
    good = good && !error;
    auto const folder = to.has_parent_path() ? to.parent_path() : std::filesystem::path{"."};
    int const directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good = good && directory >= 0 && ::fsync(directory) == 0;
    if (directory >= 0) ::close(directory);
    if (!good) return fail(Fault::unavailable, fmt::format("{}: the finished copy could not be put in place.", to.string()));
    return {};
}
}  // namespace

class IdleStatements {
 public:
    ~IdleStatements() { close(); }
    sqlite3_stmt* take(std::string_view sql) {
        // The one that ended last first: what a loop asks for is at the end.
        auto const found = std::find_if(idle_.rbegin(), idle_.rend(), [&](sqlite3_stmt* one) { return sqlite3_sql(one) == sql; });
        if (found == idle_.rend()) return nullptr;
        sqlite3_stmt* const taken = *found;
        idle_.erase(std::next(found).base());
        return taken;
    }
    void keep(sqlite3_stmt* ended) {
        sqlite3_reset(ended);
        sqlite3_clear_bindings(ended);
        idle_.push_back(ended);
        if (open_ && idle_.size() <= Database::idle_statements) return;
        sqlite3_finalize(idle_.front());
        idle_.erase(idle_.begin());
    }
    void close() {  // statements that end later are let go at once
        open_ = false;
        for (sqlite3_stmt* const one : idle_) sqlite3_finalize(one);
        idle_.clear();
    }

 private:
    std::vector<sqlite3_stmt*> idle_;
    bool open_ = true;
};

Statement::Statement(sqlite3* database, sqlite3_stmt* handle, std::shared_ptr<IdleStatements> idle)
    : database_(database), handle_(handle), idle_(std::move(idle)) {}
Statement::~Statement() {
    if (handle_) idle_->keep(handle_);
}
Statement::Statement(Statement&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)), handle_(std::exchange(other.handle_, nullptr)), idle_(std::move(other.idle_)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(database_, other.database_);
    std::swap(handle_, other.handle_);
    std::swap(idle_, other.idle_);
    return *this;
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    sqlite3_bind_int64(handle_, parameter, value);
    return *this;
}
Statement& Statement::bind_text(int parameter, std::string_view value) {
    // A null pointer would bind NULL, and an empty view may hold one.
    sqlite3_bind_text(handle_, parameter, value.empty() ? "" : value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    return *this;
}
Statement& Statement::bind_blob(int parameter, std::string_view value) {
    sqlite3_bind_blob(handle_, parameter, value.empty() ? "" : value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    return *this;
}
Statement& Statement::bind_null(int parameter) {
    sqlite3_bind_null(handle_, parameter);
    return *this;
}

Error Statement::error() const { return error_of(database_, sqlite3_sql(handle_)); }

Result<bool> Statement::step() {
    int const code = sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) {
        sqlite3_reset(handle_);
        return false;
    }
    Error failed = error();
    sqlite3_reset(handle_);
    return fail(std::move(failed));
}

Result<void> Statement::run() {
    for (;;) {
        auto const more = step();
        if (!more) return fail(more.error());
        if (!*more) return {};
    }
}

void Statement::reset() { sqlite3_reset(handle_); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
std::string_view Statement::text(int column) const {
    auto const* const data = reinterpret_cast<char const*>(sqlite3_column_text(handle_, column));
    return data ? std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))} : std::string_view{};
}
std::string_view Statement::blob(int column) const {
    auto const* const data = static_cast<char const*>(sqlite3_column_blob(handle_, column));
    return data ? std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))} : std::string_view{};
}
bool Statement::is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }

Result<Database> Database::open(std::filesystem::path const& path, Mode mode, std::string const& vfs) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    switch (mode) {
        case Mode::create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
        case Mode::read_write: flags |= SQLITE_OPEN_READWRITE; break;
        case Mode::read_only: flags |= SQLITE_OPEN_READONLY; break;
        case Mode::immutable: flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI; break;
    }
    std::string const name = mode == Mode::immutable ? immutable_uri(path.string()) : path.string();
    sqlite3* handle = nullptr;
    int const code = sqlite3_open_v2(name.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
    Database database{handle, path};
    if (code != SQLITE_OK) {
        std::string why = handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
        std::error_code ignored;
        if (auto const folder = path.parent_path(); !folder.empty() && !std::filesystem::exists(folder, ignored))
            why += fmt::format("; the folder {} does not exist", folder.string());
        return fail(fault_of(code), fmt::format("{}: the database could not be opened: {}.", path.string(), why));
    }
    sqlite3_busy_timeout(handle, busy_timeout_ms);
    return database;
}

// close_v2 waits for statements that outlive their database, so destruction order cannot leak a lock.
Database::Database(sqlite3* handle, std::filesystem::path path)
    : handle_(handle), path_(std::move(path)), idle_(std::make_shared<IdleStatements>()) {}
Database::~Database() {
    if (idle_) idle_->close();
    sqlite3_close_v2(handle_);
}
Database::Database(Database&& other) noexcept
    : settled_(other.settled_),
      handle_(std::exchange(other.handle_, nullptr)),
      path_(std::move(other.path_)),
      wal_(std::move(other.wal_)),
      idle_(std::move(other.idle_)) {}
Database& Database::operator=(Database&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(path_, other.path_);
    std::swap(wal_, other.wal_);
    std::swap(idle_, other.idle_);
    std::swap(settled_, other.settled_);
    return *this;
}

void Database::fold_by_hand(int pages) {
    wal_ = std::make_unique<Wal>(Wal{0, pages});
    // This hook takes the place of SQLite's own, which is the automatic checkpoint.
    auto const note = [](void* wal, sqlite3*, char const*, int in_wal) {
        static_cast<Wal*>(wal)->pages = in_wal;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(handle_, note, wal_.get());
}

void Database::fold_when_due() {
    if (!wal_ || wal_->pages < wal_->due) return;
    wal_->pages = 0;
    int const code = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    // It syncs the WAL first; if that failed, what was not durable there never will be.
    if (code != SQLITE_OK && code != SQLITE_BUSY) settled_ = false;
}

Result<void> Database::settle() {
    if (settled_) return {};
    // TRUNCATE, so that nothing is ever written behind frames which the disk may not have.
    if (sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr) != SQLITE_OK)
        return fail(error_of(handle_, "making durable what was found"));
    settled_ = true;
    return {};
}

Result<void> Database::exec(char const* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fail(error_of(handle_, sql));
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = idle_->take(sql);
    if (!statement &&
        sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
        return fail(error_of(handle_, sql));
    return Statement{handle_, statement, idle_};
}

Result<std::int64_t> Database::pragma(std::string_view name) {
    auto statement = prepare(fmt::format("PRAGMA {}", name));
    if (!statement) return fail(statement.error());
    auto const row = statement->step();
    if (!row) return fail(row.error());
    return *row ? statement->integer(0) : 0;
}

std::int64_t Database::changes() const { return sqlite3_changes64(handle_); }

Result<std::string> Database::schema() {
    auto statement = prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type, name");
    if (!statement) return fail(statement.error());
    std::string out;
    for (;;) {
        auto const row = statement->step();
        if (!row) return fail(row.error());
        if (!*row) return out;
        out += statement->text(0);
        out += ";\n";
    }
}

Result<std::string> Database::quick_check() {
    auto statement = prepare("PRAGMA quick_check(1)");
    if (!statement) return fail(statement.error());
    auto const row = statement->step();
    if (!row) return fail(row.error());
    return std::string{statement->text(0)};
}

Result<std::filesystem::path> Database::part_of(std::filesystem::path const& to) const {
    std::error_code error;
    if (std::filesystem::exists(to, error))
        return fail(Fault::refused, fmt::format("{} exists already; name a file that does not.", to.string()));
    std::filesystem::path part = to;
    part += ".part";
    std::filesystem::remove(part, error);
    return part;
}

Result<void> Database::backup_to(std::filesystem::path const& to) {
    auto const part = part_of(to);
    if (!part) return fail(part.error());
    {
        auto target = open(*part, Mode::create);
        if (!target) return fail(target.error());
        sqlite3_backup* const backup = sqlite3_backup_init(target->handle_, "main", handle_, "main");
        if (!backup) return fail(error_of(target->handle_, "backup"));
        // All pages in one step: with a pause between steps every commit of a busy writer would start the copy again.
        sqlite3_backup_step(backup, -1);
        if (sqlite3_backup_finish(backup) != SQLITE_OK) {
            Error failed = error_of(target->handle_, "backup");
            std::error_code ignored;
            std::filesystem::remove(*part, ignored);
            return fail(std::move(failed));
        }
    }
    return publish(*part, to);
}

Result<void> Database::vacuum_into(std::filesystem::path const& to) {
    auto const part = part_of(to);
    if (!part) return fail(part.error());
    auto statement = prepare("VACUUM INTO ?1");
    if (!statement) return fail(statement.error());
    std::string const name = part->string();
    if (auto const done = statement->bind_text(1, name).run(); !done) {
        std::error_code ignored;
        std::filesystem::remove(*part, ignored);
        return fail(done.error());
    }
    return publish(*part, to);
}

Result<Transaction> Transaction::begin(Database& database) {
    auto begin = database.prepare("BEGIN IMMEDIATE");
    if (!begin) return fail(begin.error());
    if (auto const begun = begin->run(); !begun) return fail(begun.error());
    return Transaction{database};
}
Transaction::Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
Transaction::~Transaction() {
    if (database_) sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}
Result<void> Transaction::commit() {
    auto commit = database_->prepare("COMMIT");
    auto const done = commit ? commit->run() : Result<void>{fail(commit.error())};
    if (!done) {
        database_->settled_ = false;
        return done;  // it stays open and is rolled back by the destructor
    }
    database_ = nullptr;
    return done;
}

}  // namespace marrowlink
