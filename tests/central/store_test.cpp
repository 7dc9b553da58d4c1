#include "central/store.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "central/intake.hpp"
#include "sender.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
void change(std::filesystem::path const& path, std::string const& sql) {
    auto database = Database::open(path, Database::Mode::create);
    REQUIRE(database);
    auto const done = database->exec(sql.c_str());
    if (!done) FAIL(done.error().message);
}
std::string refusal(std::filesystem::path const& path) {
    auto const opened = Intake::open(path);
    REQUIRE_FALSE(opened);
    CHECK(exit_code(opened.error().fault) == 78);
    CHECK(opened.error().message.find(path.string()) != std::string::npos);
    return opened.error().message;
}

constexpr char const* old_steps[] = {"CREATE TABLE a (x INTEGER NOT NULL) STRICT; INSERT INTO a VALUES (1)"};
constexpr char const* new_steps[] = {old_steps[0],
                                     "CREATE TABLE b (y TEXT NOT NULL) STRICT; INSERT INTO b SELECT 'was ' || x FROM a; DROP TABLE a",
                                     "CREATE TABLE c (z INTEGER) STRICT"};
constexpr Schema old_schema{"example", 77, old_steps};
constexpr Schema new_schema{"example", 77, new_steps};
}  // namespace

TEST_CASE("a newer database is refused with 78 and nothing in it is touched (field 60)") {
    sim::TemporaryFolder folder;
    REQUIRE(Intake::open(folder / "c.db"));
    change(folder / "c.db", "PRAGMA user_version=3");
    CHECK(refusal(folder / "c.db").find("was written by a newer Marrowlink: it is version 3 of the central database") != std::string::npos);
}

TEST_CASE("another application's file is refused, an empty one is made ours") {
    sim::TemporaryFolder folder;
    change(folder / "other.db", "CREATE TABLE t (x); PRAGMA user_version=1");
    CHECK(refusal(folder / "other.db").find("is not a Marrowlink central database") != std::string::npos);
    change(folder / "empty.db", "");
    REQUIRE(Intake::open(folder / "empty.db"));
    auto database = Database::open(folder / "empty.db", Database::Mode::read_only);
    REQUIRE(database);
    CHECK(database->pragma("application_id").value() == store_schema().application_id);
    CHECK(database->pragma("user_version").value() == 2);
}

TEST_CASE("the schema itself is checked, not only its number (field 61)") {
    for (char const* sql : {"ALTER TABLE stream ADD COLUMN extra TEXT", "DROP TABLE refusal", "CREATE INDEX more ON run (plate)",
                            "PRAGMA user_version=0", "ALTER TABLE run RENAME COLUMN plate TO barcode"}) {
        sim::TemporaryFolder folder;
        REQUIRE(Intake::open(folder / "c.db"));
        change(folder / "c.db", sql);
        INFO(sql);
        CHECK(refusal(folder / "c.db").find("its tables differ") != std::string::npos);
    }
}

TEST_CASE("a migration copies first and happens whole or not at all, whenever it is killed (field 60)") {
    int killed = 0;
    // Longer and longer lives, until one is long enough to finish: every kill leaves a file that opens. On a busy machine the first may
    // finish before it is killed: until one was, the life stays as short.
    int tries = 0;
    for (int microseconds = 0; microseconds < 400'000 && tries<200; ++tries, microseconds = killed> 0 ? microseconds * 5 / 4 + 150 : 0) {
        sim::TemporaryFolder folder;
        auto const path = folder / "m.db";
        { REQUIRE(open_with_schema(path, old_schema)); }
        pid_t const child = fork();
        if (child == 0) {
            auto const opened = open_with_schema(path, new_schema);
            _exit(opened ? 0 : 1);
        }
        usleep(static_cast<useconds_t>(microseconds));
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status)) ++killed;
        auto database = open_with_schema(path, new_schema);
        if (!database) FAIL(database.error().message);
        CHECK(database->pragma("user_version").value() == 3);
        auto row = database->prepare("SELECT y FROM b");
        REQUIRE(row);
        REQUIRE(row->step().value());
        CHECK(row->text(0) == "was 1");
        CHECK(std::filesystem::exists(folder / "m.db.before-v3"));
        auto copy = open_with_schema(folder / "m.db.before-v3", old_schema);
        CHECK(copy);
        if (WIFEXITED(status) && killed > 0) break;
    }
    CHECK(killed > 0);
}

TEST_CASE("a disk that is full stores nothing of the batch and takes it when there is room again") {
    sim::TemporaryFolder folder;
    auto intake = Intake::open(folder / "c.db");
    REQUIRE(intake);
    auto const pages = (*intake)->database().pragma("page_count");
    REQUIRE(pages);
    REQUIRE((*intake)->database().exec(fmt::format("PRAGMA max_page_count={}", *pages + 20).c_str()));
    Sender sender{stream_a};
    std::vector<Draft> drafts;
    for (int i = 0; i < 40; ++i) drafts.push_back(line_message(fmt::format("k{}", i), std::string(8000, 'x')));
    (*intake)->add(sender.send(drafts));
    auto const full = (*intake)->commit(1);
    REQUIRE_FALSE(full);
    CHECK(full.error().fault == Fault::full);
    CHECK((*intake)->acknowledgements().empty());
    REQUIRE((*intake)->database().exec("PRAGMA max_page_count=1000000"));
    auto const taken = (*intake)->commit(1);
    REQUIRE(taken);
    CHECK(taken->acknowledgements.at(0).through == 40);
}

}  // namespace marrowlink
