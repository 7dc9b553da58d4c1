// SQLite's one door. Everything blocks and belongs on the store thread: a Database and its statements are used by one thread at a time.
// Errors name the file and what SQLite said. Faults:
//   full         the disk or the size limit is reached; the statement changed nothing
//   unavailable  locked past the busy timeout, unreadable, read-only, an I/O error: trying again may help
//   refused      a constraint (UNIQUE, NOT NULL, STRICT type) said no
//   broken       the file is damaged or is no SQLite database, or the SQL does not fit its schema
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace marrowlink {

// Compiled statements that nobody holds just now, by their text.
class IdleStatements;

// A prepared statement. Bind (parameters count from 1), step, read columns (counting from 0), reset. Bound text and blobs are not copied:
// they stay untouched until the next reset(). Column views live until the next step() or reset().
class Statement {
 public:
    Statement() = default;
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;

    Statement& bind(int parameter, std::int64_t value);
    Statement& bind_text(int parameter, std::string_view value);
    Statement& bind_blob(int parameter, std::string_view value);
    Statement& bind_null(int parameter);

    Result<bool> step();  // true: a row is there; false: done, and the statement is reset
    Result<void> run();   // for statements that return no rows: steps to the end
    void reset();         // ends reading; a statement left in the middle of its rows holds a read transaction open

    std::int64_t integer(int column) const;
    std::string_view text(int column) const;
    std::string_view blob(int column) const;
    bool is_null(int column) const;

 private:
    friend class Database;
    Statement(sqlite3* database, sqlite3_stmt* handle, std::shared_ptr<IdleStatements> idle);
    Error error() const;

    sqlite3* database_ = nullptr;
    sqlite3_stmt* handle_ = nullptr;
    std::shared_ptr<IdleStatements> idle_;  // where it goes when it ends
};

class Database {
 public:
    enum class Mode : std::uint8_t {
        create,      // read and write; made when absent
        read_write,  // must exist
        read_only,   // must exist; beside a running writer too
        immutable,   // a file that nobody writes: no lock, no -wal or -shm is made; works on read-only media
    };
    static constexpr int busy_timeout_ms = 5'000;  // how long a lock held by another process is waited for

    // `vfs` names a registered SQLite VFS; empty: the operating system's. ":memory:" is a database that ends with this object.
    static Result<Database> open(std::filesystem::path const& path, Mode mode, std::string const& vfs = {});

    Database() = default;
    ~Database();
    Database(Database&& other) noexcept;
    Database& operator=(Database&& other) noexcept;

    Result<void> exec(char const* sql);  // one or several statements
    // Compiles, or takes what was compiled from the same text before: the last `idle_statements` that ended are kept.
    Result<Statement> prepare(std::string_view sql);
    static constexpr std::size_t idle_statements = 64;
    Result<std::int64_t> pragma(std::string_view name);  // the integer that PRAGMA name answers

    // What an earlier program left in the WAL, or what stood there when a sync failed, may be in the kernel's memory only: it can be read,
    // and goes with the power, and with it all that is written behind it. This makes it durable in the file itself; whoever reads or
    // appends what others will rely on calls it first. Costs nothing when no such thing can be there. `unavailable` while a reader or the
    // disk is in its way.
    Result<void> settle();

    // From here on a commit does not fold the WAL into the file, so whoever waits for a commit does not wait for that too. The owner folds
    // between commits, with `fold_when_due`, once the WAL holds `pages`.
    void fold_by_hand(int pages);
    // A passive checkpoint when one is due. What keeps it from succeeding (a reader, a full disk) is left for the next time, as SQLite
    // itself does.
    void fold_when_due();

    std::int64_t changes() const;  // rows changed by the last INSERT, UPDATE or DELETE
    std::filesystem::path const& path() const { return path_; }
    sqlite3* handle() const { return handle_; }

    // The text of every CREATE statement in the file, sorted by name: equal texts are equal schemas.
    Result<std::string> schema();
    // "ok", or what PRAGMA quick_check found first. Reads the whole file.
    Result<std::string> quick_check();

    // A copy of one committed state into a new file, also while others write. The file appears whole or not at all; an existing one is
    // refused.
    Result<void> backup_to(std::filesystem::path const& to);
    // The same content without free pages, as one file that needs no WAL; an existing one is refused.
    Result<void> vacuum_into(std::filesystem::path const& to);

 private:
    Database(sqlite3* handle, std::filesystem::path path);
    Result<std::filesystem::path> part_of(std::filesystem::path const& to) const;

    friend class Transaction;
    struct Wal {
        int pages = 0;  // in the WAL after the last commit
        int due = 0;
    };
    bool settled_ = false;
    sqlite3* handle_ = nullptr;
    std::filesystem::path path_;
    std::unique_ptr<Wal> wal_;  // where SQLite's hook finds it, also after this object has been moved
    std::shared_ptr<IdleStatements> idle_;
};

// BEGIN IMMEDIATE … COMMIT; rolled back when it ends uncommitted.
class Transaction {
 public:
    static Result<Transaction> begin(Database& database);
    ~Transaction();
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    Result<void> commit();

 private:
    explicit Transaction(Database& database) : database_(&database) {}
    Database* database_;
};

}  // namespace marrowlink
