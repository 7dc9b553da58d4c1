#include "io/sqlite.hpp"

#include <stdlib.h>

#include <catch2/catch.hpp>

#include "io/migration.hpp"

namespace marrowlink {
namespace {
class Folder {
 public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "marrowlink-sqlite-XXXXXX").string();
        path_ = mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
    std::filesystem::path path_;
};

Database made(std::filesystem::path const& path) {
    auto database = Database::open(path, Database::Mode::create);
    REQUIRE(database);
    REQUIRE(database->exec("CREATE TABLE t (id INTEGER PRIMARY KEY, words TEXT NOT NULL, bytes BLOB UNIQUE) STRICT"));
    return std::move(*database);
}
std::int64_t rows(Database& database) {
    auto count = database.prepare("SELECT count(*) FROM t");
    REQUIRE(count);
    REQUIRE(count->step().value());
    return count->integer(0);
}
}  // namespace

TEST_CASE("values come back as they were bound: numbers, text with a zero byte, empty and absent blobs") {
    Folder folder;
    Database database = made(folder / "a b%3F#?.db");
    auto insert = database.prepare("INSERT INTO t VALUES (?1, ?2, ?3)");
    REQUIRE(insert);
    std::string const zero{"a\0b", 3};
    REQUIRE(insert->bind(1, INT64_MIN).bind_text(2, zero).bind_blob(3, {}).run());
    REQUIRE(insert->bind(1, INT64_MAX).bind_text(2, {}).bind_null(3).run());
    auto select = database.prepare("SELECT id, words, bytes FROM t ORDER BY id");
    REQUIRE(select);
    REQUIRE(select->step().value());
    CHECK(select->integer(0) == INT64_MIN);
    CHECK(select->text(1) == zero);
    CHECK_FALSE(select->is_null(2));
    REQUIRE(select->step().value());
    CHECK(select->integer(0) == INT64_MAX);
    CHECK(select->is_null(2));
    CHECK_FALSE(select->step().value());

    auto const same = Database::open(folder / "a b%3F#?.db", Database::Mode::immutable);
    REQUIRE(same);
}

TEST_CASE("errors carry the fault that a caller branches on, and name the file") {
    Folder folder;
    auto const path = folder / "a.db";
    Database database = made(path);
    auto const fault = [&](Database& one, char const* sql) {
        auto const done = one.exec(sql);
        REQUIRE_FALSE(done);
        CHECK(done.error().message.find(path.string()) != std::string::npos);
        return done.error().fault;
    };
    REQUIRE(database.exec("INSERT INTO t VALUES (1, 'one', x'01')"));
    CHECK(fault(database, "INSERT INTO t VALUES (2, 'two', x'01')") == Fault::refused);
    CHECK(fault(database, "INSERT INTO t VALUES (2, x'00', x'02')") == Fault::refused);
    CHECK(fault(database, "SELECT nothing FROM t") == Fault::broken);
    REQUIRE(database.exec("PRAGMA max_page_count=3"));
    CHECK(fault(database, "INSERT INTO t VALUES (3, 'x', zeroblob(100000))") == Fault::full);

    auto reader = Database::open(path, Database::Mode::read_only);
    REQUIRE(reader);
    CHECK(fault(*reader, "DELETE FROM t") == Fault::unavailable);
    REQUIRE(reader->exec("PRAGMA busy_timeout=1"));
    auto writer = Database::open(path, Database::Mode::read_write);
    REQUIRE(writer);
    REQUIRE(writer->exec("PRAGMA busy_timeout=1; BEGIN EXCLUSIVE"));
    CHECK(fault(*reader, "SELECT * FROM t") == Fault::unavailable);

    auto const absent = Database::open(folder / "no" / "a.db", Database::Mode::create);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().fault == Fault::unavailable);
    CHECK(absent.error().message.find("does not exist") != std::string::npos);
    CHECK_FALSE(Database::open(folder / "absent.db", Database::Mode::read_write));
}

TEST_CASE("a transaction that is not committed leaves nothing behind") {
    Folder folder;
    Database database = made(folder / "a.db");
    {
        auto transaction = Transaction::begin(database);
        REQUIRE(transaction);
        REQUIRE(database.exec("INSERT INTO t VALUES (1, 'one', NULL)"));
    }
    CHECK(rows(database) == 0);
    auto transaction = Transaction::begin(database);
    REQUIRE(transaction);
    REQUIRE(database.exec("INSERT INTO t VALUES (1, 'one', NULL)"));
    REQUIRE(transaction->commit());
    CHECK(rows(database) == 1);
}

TEST_CASE("a statement prepared again is the one compiled before, without its old values and without a lock") {
    Folder folder;
    Database database = made(folder / "a.db");
    REQUIRE(database.exec("INSERT INTO t VALUES (1, 'one', NULL), (2, 'two', NULL)"));
    constexpr auto sql = "SELECT count(*) FROM t WHERE ?1 IS NULL OR id >= ?1";
    {
        auto first = database.prepare(sql);
        REQUIRE(first);
        REQUIRE(first->bind(1, 2).step().value());  // it ends in the middle of its rows
        CHECK(first->integer(0) == 1);
        auto beside = database.prepare(sql);  // while the first is held
        REQUIRE(beside);
        REQUIRE(beside->step().value());
        CHECK(beside->integer(0) == 2);
    }
    REQUIRE(database.exec("PRAGMA journal_mode=DELETE"));
    auto other = Database::open(folder / "a.db", Database::Mode::read_write);
    REQUIRE(other);
    REQUIRE(other->exec("PRAGMA busy_timeout=1; DELETE FROM t WHERE id=1"));
    REQUIRE(other->exec("ALTER TABLE t ADD COLUMN more TEXT"));
    auto again = database.prepare(sql);
    REQUIRE(again);
    REQUIRE(again->step().value());
    CHECK(again->integer(0) == 1);
    for (std::size_t i = 0; i < 3 * Database::idle_statements; ++i) {
        auto many = database.prepare("SELECT " + std::to_string(i));
        REQUIRE(many);
        REQUIRE(many->step().value());
        CHECK(many->integer(0) == static_cast<std::int64_t>(i));
    }
    std::optional<Statement> outlives = std::move(*database.prepare(sql));
    { Database const ended = std::move(database); }
    outlives.reset();
}

TEST_CASE("a copy is one committed state, appears whole, and never replaces a file") {
    Folder folder;
    Database database = made(folder / "a.db");
    REQUIRE(database.exec("PRAGMA journal_mode=WAL; INSERT INTO t VALUES (1, 'one', NULL)"));
    auto other = Database::open(folder / "a.db", Database::Mode::read_write);
    REQUIRE(other);
    REQUIRE(other->exec("BEGIN IMMEDIATE; INSERT INTO t VALUES (2, 'not committed', NULL)"));
    for (auto const& [name, how] : {std::pair{"backup.db", &Database::backup_to}, std::pair{"export.db", &Database::vacuum_into}}) {
        INFO(name);
        REQUIRE((database.*how)(folder / name));
        auto copy = Database::open(folder / name, Database::Mode::immutable);
        REQUIRE(copy);
        CHECK(rows(*copy) == 1);
        CHECK(copy->schema().value() == database.schema().value());
        CHECK(copy->quick_check().value() == "ok");
        CHECK_FALSE(std::filesystem::exists(folder / (std::string{name} + ".part")));
        auto const again = (database.*how)(folder / name);
        REQUIRE_FALSE(again);
        CHECK(again.error().fault == Fault::refused);
        CHECK_FALSE((database.*how)(folder / "no" / name));
    }
}

}  // namespace marrowlink
