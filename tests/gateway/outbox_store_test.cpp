#include "gateway/outbox_store.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "gateway/salvage_scan.hpp"
#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;

TEST_CASE("an append is stored once, in place, under a chain that anyone can work out again") {
    TemporaryFolder folder;
    {
        auto store = open_store(folder.path());
        CHECK(store->position().appended == 0);
        CHECK(store->position().chain == chain_start(stream_a));
        REQUIRE(store->append({one(1), one(2), one(1)}, stamp, some_day_ms, 0));
        CHECK(store->position().appended == 2);
        REQUIRE(store->append({one(2), one(3)}, stamp, some_day_ms, 0));
        CHECK(store->position().appended == 3);
        CHECK(store->position().backlog_bytes > 300);
        CHECK(store->position().oldest_ms == some_day_ms);
        require_whole(*store);
    }
    auto again = open_store(folder.path());
    CHECK(again->position().appended == 3);
    REQUIRE(again->append({one(3), one(4)}, stamp, some_day_ms, 0));
    CHECK(again->position().appended == 4);
    require_whole(*again);
}

TEST_CASE("ten thousand records of one millisecond keep their own places (field 9)") {
    TemporaryFolder folder;
    auto store = open_store(folder.path());
    fill(*store, 1, 10'000, 10);
    CHECK(store->position().appended == 10'000);
    require_whole(*store);
}

TEST_CASE("an append that can never be stored changes nothing") {
    TemporaryFolder folder;
    auto store = open_store(folder.path());
    fill(*store, 1, 3);
    OutboxPosition const before = store->position();
    Append large = one(5, block_bytes_max + 1);
    large.taken = TakenFile{"reader", std::string(64, 'a'), "run-5", "plate.txt"};
    auto const refused = store->append({one(4), large}, stamp, some_day_ms, 2);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::refused);
    CHECK(refused.error().message.find("65537") != std::string::npos);
    CHECK(store->position().appended == before.appended);
    CHECK(store->position().acknowledged == before.acknowledged);
    CHECK(store->position().chain == before.chain);
    CHECK(store->run_of_taken("reader", std::string(64, 'a')).value().empty());
    REQUIRE(store->append({one(4, block_bytes_max)}, stamp, some_day_ms, 0));
    require_whole(*store);
}

TEST_CASE("at the budget an append is refused as full, and taken again once central has acknowledged (field 25)") {
    TemporaryFolder folder;
    OutboxLimits limits;
    limits.budget_bytes = 1u << 20;
    auto store = open_store(folder.path(), limits);
    std::uint64_t n = 0;
    Result<void> last;
    while (last && n < 100) last = store->append({one(++n, 32 * 1024)}, stamp, some_day_ms, 0);
    REQUIRE_FALSE(last);
    CHECK(last.error().fault == Fault::full);
    CHECK(store->position().used_bytes >= limits.budget_bytes);
    // One commit may pass the budget by its own size, never more.
    CHECK(store->position().used_bytes < limits.budget_bytes + 64 * 1024);
    std::uint64_t const kept = store->position().appended;
    CHECK(kept == n - 1);
    // Nothing that waits is dropped to make room.
    CHECK(store->prune(some_day_ms + limits.retention_ms * 2, 100).value() == 0);
    REQUIRE_FALSE(store->append({one(n, 32 * 1024)}, stamp, some_day_ms, 0));
    // The acknowledgement arrives with the very append that needs its room.
    REQUIRE(store->append({one(n, 32 * 1024)}, stamp, some_day_ms, kept / 2));
    CHECK(store->position().appended == kept + 1);
    CHECK(store->position().acknowledged == kept / 2);
    CHECK(store->position().first_kept > 1);
    require_whole(*store);
}

TEST_CASE("what the file shrinks by at the budget is given to new records for ten times the budget (field 4)") {
    TemporaryFolder folder;
    OutboxLimits limits;
    limits.budget_bytes = 1u << 20;
    auto store = open_store(folder.path(), limits);
    for (std::uint64_t n = 1; n <= 350; ++n) {
        auto kept = store->append({one(n, 32 * 1024)}, stamp, some_day_ms, 0);
        if (!kept) {
            REQUIRE(kept.error().fault == Fault::full);
            kept = store->append({one(n, 32 * 1024)}, stamp, some_day_ms, store->position().appended);
        }
        REQUIRE(kept);
    }
    CHECK(store->position().appended == 350);
    CHECK(std::filesystem::file_size(folder.path() / (stream_a + ".outbox")) < 2 * limits.budget_bytes);
    require_whole(*store);
}

TEST_CASE("records are pruned after their retention, acknowledged ones only, and what follows still proves") {
    TemporaryFolder folder;
    OutboxLimits limits;
    limits.retention_ms = 1'000;
    {
        auto store = open_store(folder.path(), limits);
        fill(*store, 1, 10, 100, some_day_ms);
        fill(*store, 11, 20, 100, some_day_ms + 500);
        CHECK(store->prune(some_day_ms + 10'000, 100).value() == 0);
        REQUIRE(store->confirm(15));
        CHECK(store->prune(some_day_ms + 999, 100).value() == 0);
        CHECK(store->prune(some_day_ms + 1'001, 3).value() == 3);
        CHECK(store->prune(some_day_ms + 1'001, 100).value() == 7);
        CHECK(store->position().first_kept == 11);
        CHECK(store->prune(some_day_ms + 2'000, 100).value() == 5);
        CHECK(store->position().first_kept == 16);
        require_whole(*store);
        CHECK(store->chain_at(14).value() == std::nullopt);
        CHECK(store->chain_at(15).value().has_value());
    }
    {
        auto store = open_store(folder.path(), limits);
        CHECK(store->position().first_kept == 16);
        CHECK(store->position().acknowledged == 15);
        require_whole(*store);
        REQUIRE(store->confirm(20));
        CHECK(store->prune(some_day_ms + 5'000, 100).value() == 5);
        CHECK(store->position().backlog_bytes == 0);
    }
    // Empty, and still the same stream at the same place.
    auto store = open_store(folder.path(), limits);
    CHECK(store->position().appended == 20);
    CHECK(store->position().first_kept == 21);
    fill(*store, 21, 21);
    CHECK(store->position().appended == 21);
    CHECK(store->position().backlog_bytes < 1'000);
    require_whole(*store);
}

TEST_CASE("what central acknowledged is known after kill -9 (field 2)") {
    TemporaryFolder folder;
    pid_t const child = fork();
    if (child == 0) {
        auto store = open_store(folder.path());
        fill(*store, 1, 12'000, 10);
        if (!store->confirm(10'000)) _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    auto store = open_store(folder.path());
    CHECK(store->position().acknowledged == 10'000);
    CHECK(store->position().appended == 12'000);
    auto const next = store->peek_proved(store->position().acknowledged + 1, 1, 1);
    REQUIRE(next);
    REQUIRE(next->size() == 1);
    CHECK(next->front().seq == 10'001);
}

TEST_CASE("an outbox of a newer version is left alone (field 60)") {
    TemporaryFolder folder;
    { open_store(folder.path()); }
    auto database = Database::open(folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
    REQUIRE(database);
    REQUIRE(database->exec("PRAGMA user_version=3"));
    auto const opened = OutboxStore::open(folder.path(), origin_a, {});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::configuration);
    CHECK(opened.error().message.find("newer version") != std::string::npos);
}

namespace {
// The first layout. Its indexes lie elsewhere than where that version put them, which is nobody's business.
void make_older(std::filesystem::path const& file) {
    auto database = Database::open(file, Database::Mode::read_write);
    REQUIRE(database);
    REQUIRE(
        database->exec("BEGIN; DROP INDEX record_latest; DROP INDEX record_run; CREATE INDEX record_run ON record(run) WHERE type IN "
                       "('run.started', 'run.finished'); PRAGMA user_version=1; COMMIT"));
}
}  // namespace

TEST_CASE("an outbox of the version before is copied, brought up to date and goes on as it was (field 60)") {
    TemporaryFolder folder;
    auto const file = folder.path() / (stream_a + ".outbox");
    Append begun;
    begun.drafts.push_back(run_started({"reader", "spectramax", "run-x", "key-x"}, "P-001", "page", {}));
    begun.drafts.push_back(run_labelled({"reader", "spectramax", "run-x", "key-x"}, "P-002", "M. Curie", "wrong plate", "1"));
    Digest chain{};
    {
        auto store = open_store(folder.path());
        fill(*store, 1, 300);
        REQUIRE(store->append({begun}, stamp, some_day_ms, 120));
        chain = store->position().chain;
    }
    make_older(file);
    {
        auto store = open_store(folder.path());
        CHECK(store->position().appended == 302);
        CHECK(store->position().acknowledged == 120);
        CHECK(store->position().chain == chain);
        require_whole(*store);
        REQUIRE(store->latest_runs(10));
        CHECK(*store->latest_runs(10) == std::vector<std::string>{"run-x"});
        REQUIRE(store->append({begun}, stamp, some_day_ms, 120));
        CHECK(store->position().appended == 302);
        CHECK(*store->database().pragma("user_version") == 2);
    }
    auto copy = Database::open(file.string() + ".before-v2", Database::Mode::read_only);
    REQUIRE(copy);
    CHECK(*copy->pragma("user_version") == 1);
    // Once is enough.
    std::filesystem::remove(file.string() + ".before-v2");
    open_store(folder.path());
    CHECK_FALSE(std::filesystem::exists(file.string() + ".before-v2"));
}

TEST_CASE("an older outbox whose first page is lost is still read through that of a new one (field 29)") {
    TemporaryFolder folder;
    auto const file = folder.path() / (stream_a + ".outbox");
    {
        auto store = open_store(folder.path());
        fill(*store, 1, 300);
    }
    make_older(file);
    {
        auto store = open_store(folder.path());  // brought up to date: its indexes lie elsewhere than in a new file
        fill(*store, 301, 400);
    }
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary).write(std::string(4096, 'x').data(), 4096);
    auto scan = SalvageScan::open(file);
    REQUIRE(scan);
    CHECK((*scan)->readable());
    CHECK((*scan)->known() == 400);
}

TEST_CASE("tables that do not fit the layout number are damage (field 61)") {
    TemporaryFolder folder;
    { open_store(folder.path()); }
    auto database = Database::open(folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
    REQUIRE(database);
    std::string const sql = GENERATE("ALTER TABLE record ADD COLUMN extra TEXT", "DROP TABLE journal", "CREATE TABLE other(x TEXT) STRICT",
                                     "PRAGMA application_id=7", "UPDATE meta SET value='another' WHERE name='stream'",
                                     "DELETE FROM meta WHERE name='pruned_chain'", "UPDATE meta SET value='5' WHERE name='acknowledged'");
    CAPTURE(sql);
    REQUIRE(database->exec(sql.c_str()));
    auto const opened = OutboxStore::open(folder.path(), origin_a, {});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::broken);
}

TEST_CASE("an altered tail is found when the outbox opens, an altered record when it is read") {
    TemporaryFolder folder;
    {
        auto store = open_store(folder.path());
        fill(*store, 1, 200);
    }
    auto const path = folder.path() / (stream_a + ".outbox");
    std::string const sql = GENERATE("UPDATE record SET data=x'00' WHERE seq=200", "UPDATE record SET attributes=x'00' WHERE seq=190",
                                     "DELETE FROM record WHERE seq=170", "UPDATE record SET chain=zeroblob(32) WHERE seq=200",
                                     "DELETE FROM record WHERE seq=1", "UPDATE record SET chain=x'01' WHERE seq=200");
    CAPTURE(sql);
    {
        auto database = Database::open(path, Database::Mode::read_write);
        REQUIRE(database);
        REQUIRE(database->exec(sql.c_str()));
    }
    auto const opened = OutboxStore::open(folder.path(), origin_a, {});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::broken);
}

TEST_CASE("a record altered far from the tail is never handed out") {
    TemporaryFolder folder;
    auto store = open_store(folder.path());
    fill(*store, 1, 300);
    auto database = Database::open(folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
    REQUIRE(database);
    REQUIRE(database->exec("UPDATE record SET data=x'00' WHERE seq=1"));
    auto const first = store->peek_proved(1, 10, 1u << 20);
    REQUIRE_FALSE(first);
    CHECK(first.error().fault == Fault::broken);
    CHECK(store->peek_proved(2, 10, 1u << 20).value().size() == 10);
    REQUIRE(database->exec("DELETE FROM record WHERE seq BETWEEN 100 AND 300"));
    CHECK(store->peek_proved(100, 10, 1u << 20).error().fault == Fault::broken);
    CHECK(store->peek_proved(150, 10, 1u << 20).error().fault == Fault::broken);
}

TEST_CASE("an emptied file is damage, not a new outbox of the same name") {
    TemporaryFolder folder;
    {
        auto store = open_store(folder.path());
        fill(*store, 1, 5);
    }
    std::filesystem::resize_file(folder.path() / (stream_a + ".outbox"), 0);
    auto const opened = OutboxStore::open(folder.path(), origin_a, {});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::broken);
}

TEST_CASE("a write lock of another process delays an append and costs nothing (field 31)") {
    TemporaryFolder folder;
    auto store = open_store(folder.path());
    fill(*store, 1, 1);
    auto other = Database::open(folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
    REQUIRE(other);
    // A long snapshot does not hold an append up at all.
    REQUIRE(other->exec("BEGIN; SELECT count(*) FROM record"));
    REQUIRE(store->append({one(2)}, stamp, some_day_ms, 0));
    REQUIRE(other->exec("COMMIT; BEGIN IMMEDIATE"));
    REQUIRE(store->database().exec("PRAGMA busy_timeout=20"));
    auto const locked = store->append({one(3)}, stamp, some_day_ms, 0);
    REQUIRE_FALSE(locked);
    CHECK(locked.error().fault == Fault::unavailable);
    CHECK(store->position().appended == 2);
    CHECK_FALSE(store->confirm(1));
    CHECK(store->database().pragma("synchronous").value() == 2);
    REQUIRE(other->exec("ROLLBACK"));
    REQUIRE(store->append({one(3)}, stamp, some_day_ms, 1));
    CHECK(store->position().acknowledged == 1);
    require_whole(*store);
}

TEST_CASE("a long reader makes the log grow, and it shrinks once the reader has gone (field 32)") {
    TemporaryFolder folder;
    auto store = open_store(folder.path());
    fill(*store, 1, 1);
    {
        auto reader = Database::open(folder.path() / (stream_a + ".outbox"), Database::Mode::read_only);
        REQUIRE(reader);
        REQUIRE(reader->exec("BEGIN; SELECT count(*) FROM record"));
        fill(*store, 2, 2'000, 16 * 1024);
        CHECK(store->position().wal_bytes > (24u << 20));
    }
    // One commit folds the log into the file, the next starts it anew and cuts it to its limit.
    fill(*store, 2'001, 2'001);
    fill(*store, 2'002, 2'002);
    CHECK(store->position().wal_bytes <= (16u << 20) + (1u << 16));
    CHECK(store->position().appended == 2'002);
}

TEST_CASE("open runs are remembered from run.started to run.finished or run.aborted") {
    TemporaryFolder folder;
    auto store = open_store(folder.path());
    auto const begun = [](std::string const& run, std::string_view type) {
        Append append;
        Draft& draft = append.drafts.emplace_back();
        draft.type = type;
        draft.instrument = "reader";
        draft.run = run;
        draft.sourcekey = "key-" + run;
        draft.data = R"({"plate":"P7"})";
        return append;
    };
    REQUIRE(store->append({begun("a", type::run_started), begun("b", type::run_started), begun("c", type::run_started)}, stamp, some_day_ms,
                          0));
    REQUIRE(store->append({begun("a", type::run_finished), begun("c", type::run_aborted)}, stamp, some_day_ms, 0));
    store = open_store(folder.path());
    auto const open = store->open_runs();
    REQUIRE(open);
    REQUIRE(open->size() == 1);
    CHECK(open->front().run == "b");
    CHECK(open->front().plate == "P7");
    CHECK(open->front().sourcekey == "key-b");
}

TEST_CASE("the journal keeps the bytes that no record accounts for") {
    TemporaryFolder folder;
    auto store = open_store(folder.path());
    auto const heard = [](std::uint64_t start, std::string bytes) {
        Append append;
        append.journal_instrument = "reader";
        append.journal_start = start;
        append.journal_bytes = std::move(bytes);
        return append;
    };
    REQUIRE(store->append({heard(0, "one;tw"), heard(6, "o;thr")}, stamp, some_day_ms, 0));
    REQUIRE(store->append({heard(6, "o;thr")}, stamp, some_day_ms, 0));
    Append counted = one(1);
    counted.journal_instrument = "reader";
    counted.journal_through = 8;
    REQUIRE(store->append({counted}, stamp, some_day_ms, 0));
    store = open_store(folder.path());
    std::uint64_t start = 0;
    CHECK(store->journal("reader", start).value() == "thr");
    CHECK(start == 8);
    CHECK(store->journal("other", start).value().empty());
}

TEST_CASE("an outbox with a million records waiting opens within 100 ms", "[.bench]") {
    TemporaryFolder folder;
    {
        auto store = open_store(folder.path());
        fill(*store, 1, 1'000'000, 100);
    }
    auto const began = std::chrono::steady_clock::now();
    auto store = open_store(folder.path());
    auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    std::printf("opened with %llu records in %lld ms\n", static_cast<unsigned long long>(store->position().appended),
                static_cast<long long>(took.count()));
    CHECK(took.count() <= 100);
}
