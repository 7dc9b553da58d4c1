#include "gateway/outbox.hpp"

#include <sqlite3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>

#include "../sim/disk.hpp"
#include "../sim/virtual_clock.hpp"
#include "io/system.hpp"
#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {
struct Witness final : OutboxListener {
    void on_position(OutboxPosition const& position) override { positions.push_back(position); }
    void on_trouble(Error const& error) override { troubles.push_back(error); }
    void on_trouble_over() override { ++over; }
    void on_damaged(Error const& error) override { damages.push_back(error); }
    std::vector<OutboxPosition> positions;
    std::vector<Error> troubles, damages;
    int over = 0;
};

// The store runs on the loop here, so that a whole day of trouble passes at once.
struct World {
    explicit World(OutboxLimits limits = {}, std::string const& vfs = {}) {
        auto opened = open_store(folder.path(), limits, vfs);
        store = opened.get();
        sqlite3_commit_hook(
            store->database().handle(), [](void* count) { return ++*static_cast<int*>(count), 0; }, &commits);
        outbox = std::make_unique<Outbox>(std::move(opened), clock, "boot", loop.get_executor(), loop.get_executor());
        outbox->listen(&witness);
    }
    // Starts an append; its answer lands in `answers` at the place of `n`.
    void append(Append append, std::size_t n = 0) {
        answers.resize(std::max(answers.size(), n + 1));
        asio::co_spawn(
            loop,
            [this, n, append = std::move(append)]() mutable -> Task<void> {
                auto result = co_await outbox->append(std::move(append));
                answers[n] = std::move(result);
            },
            asio::detached);
    }
    std::size_t answered() const {
        return static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(), [](auto const& a) { return a.has_value(); }));
    }

    TemporaryFolder folder;
    asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    int commits = 0;
    OutboxStore* store = nullptr;
    std::unique_ptr<Outbox> outbox;
    Witness witness;
    std::vector<std::optional<Result<std::uint64_t>>> answers;
};
}  // namespace

TEST_CASE("appends that wait share one commit") {
    World world;
    for (std::uint64_t n = 1; n <= 40; ++n) world.append(one(n), n);
    world.clock.settle();
    CHECK(world.answered() == 40);
    CHECK(world.commits == 1);
    CHECK(world.outbox->appended() == 40);
    for (std::uint64_t n = 1; n <= 40; ++n) world.append(one(n), n);
    world.clock.settle();
    CHECK(world.outbox->appended() == 40);
}

TEST_CASE("one transaction takes at most its named number of records, the rest the next") {
    std::size_t const count = GENERATE(commit_drafts_max - 1, commit_drafts_max, commit_drafts_max + 1);
    World world;
    for (std::size_t n = 1; n <= count; ++n) world.append(one(n), n);
    world.clock.settle();
    CHECK(world.answered() == count);
    CHECK(world.commits == (count > commit_drafts_max ? 2 : 1));
}

TEST_CASE("one impossible append does not take its neighbours with it") {
    World world;
    for (std::uint64_t n = 0; n < 9; ++n) world.append(one(n, n == 4 ? block_bytes_max + 1 : 100), n);
    world.clock.settle();
    REQUIRE(world.answered() == 9);
    for (std::size_t n = 0; n < 9; ++n) {
        CAPTURE(n);
        CHECK(world.answers[n]->has_value() == (n != 4));
    }
    CHECK(world.answers[4]->error().fault == Fault::refused);
    CHECK(world.outbox->appended() == 8);
    CHECK(world.witness.troubles.empty());
    require_whole(*world.store);
}

TEST_CASE("a full outbox takes no more, says so once, and goes on by itself when central acknowledges (fields 25, 26, 24)") {
    OutboxLimits limits;
    limits.budget_bytes = 1u << 20;
    World world{limits};
    for (std::uint64_t n = 1; n <= 60; ++n) {
        world.append(one(n, 32 * 1024), n);
        world.clock.settle();
    }
    std::size_t const taken = world.answered();
    CHECK(taken < 60);
    world.clock.run_for(24h);
    CHECK(world.answered() == taken);
    CHECK(world.witness.troubles.size() == 1);
    CHECK(world.witness.troubles[0].fault == Fault::full);
    CHECK(world.witness.over == 0);
    CHECK(world.store->position().first_kept == 1);
    // No restart, no further append: the acknowledgement alone ends it.
    world.outbox->confirm(world.outbox->appended());
    world.clock.run_for(10s);
    world.outbox->confirm(world.outbox->appended());
    world.clock.run_for(10s);
    CHECK(world.answered() == 60);
    CHECK(world.witness.over == static_cast<int>(world.witness.troubles.size()));
    CHECK(world.outbox->appended() == 60);
    require_whole(*world.store);
}

TEST_CASE("a lock held for 30 seconds delays appends and loses none (field 31)") {
    World world;
    REQUIRE(world.store->database().exec("PRAGMA busy_timeout=1"));
    auto other = Database::open(world.folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
    REQUIRE(other);
    REQUIRE(other->exec("BEGIN IMMEDIATE"));
    for (std::uint64_t n = 1; n <= 300; ++n) {
        world.append(one(n), n);
        world.clock.run_for(100ms);
    }
    CHECK(world.answered() == 0);
    CHECK(world.witness.troubles.size() == 1);
    REQUIRE(other->exec("ROLLBACK"));
    world.clock.run_for(1s);
    CHECK(world.answered() == 300);
    CHECK(world.witness.over == 1);
    require_whole(*world.store);
}

TEST_CASE("an acknowledgement alone is stored, and rides along with a commit that happens anyway") {
    World world;
    for (std::uint64_t n = 1; n <= 3; ++n) world.append(one(n), n);
    world.clock.settle();
    world.outbox->confirm(2);
    world.clock.settle();
    CHECK(world.commits == 2);
    CHECK(world.store->position().acknowledged == 2);
    world.append(one(4), 4);
    world.loop.restart();
    world.loop.poll_one();  // the append waits for the end of this turn
    world.outbox->confirm(3);
    world.clock.settle();
    CHECK(world.commits == 3);
    CHECK(world.store->position().acknowledged == 3);
    world.outbox->confirm(1);
    world.clock.settle();
    CHECK(world.outbox->acknowledged() == 3);
    CHECK(world.commits == 3);
}

TEST_CASE("damage found while reading is told once; waiting appends go to the new stream") {
    World world;
    for (std::uint64_t n = 1; n <= 5; ++n) world.append(one(n), n);
    world.clock.settle();
    {
        auto other = Database::open(world.folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
        REQUIRE(other);
        REQUIRE(other->exec("UPDATE record SET data=x'00' WHERE seq=2"));
    }
    CHECK_FALSE(world.clock.finish(world.outbox->peek(1, 10, 1000)));
    CHECK_FALSE(world.clock.finish(world.outbox->peek(1, 10, 1000)));
    CHECK(world.witness.damages.size() == 1);
    world.append(one(6), 6);
    world.clock.run_for(1h);
    CHECK(world.answered() == 5);
    world.clock.finish(world.outbox->retire());
    CHECK(world.clock.finish(world.outbox->chain_at(1)).error().fault == Fault::unavailable);
    Origin const next{"lyon", "bench-2", "0b000000-0000-4000-8000-00000000000b"};
    auto opened = OutboxStore::open(world.folder.path(), next, {});
    REQUIRE(opened);
    world.outbox->replace(std::move(*opened));
    world.clock.settle();
    CHECK(world.answered() == 6);
    CHECK(world.answers[6]->value() == 1);
    CHECK(world.outbox->stream() == next.stream);
}

TEST_CASE("pruning is seen at the outbox's own position") {
    World world{OutboxLimits{4ull << 30, 1'000}};
    for (std::uint64_t n = 1; n <= 5; ++n) world.append(one(n), n);
    world.clock.settle();
    world.outbox->confirm(4);
    world.clock.settle();
    std::function<Result<std::uint64_t>(OutboxStore&)> prune = [](OutboxStore& store) {
        return store.prune(some_day_ms + (std::int64_t{1} << 40), 100);
    };
    CHECK(world.clock.finish(world.outbox->ask(prune)).value() == 4);
    CHECK(world.outbox->first_kept() == 5);
    CHECK(world.witness.positions.back().first_kept == 5);
}

TEST_CASE("whichever write, sync or truncation fails, an answered append is stored and an unanswered one is not half stored (field 30)") {
    using How = sim::Disk::How;
    How const how = GENERATE(How::io_error, How::short_write, How::disk_full, How::read_only);
    bool const lasting = GENERATE(false, true);
    CAPTURE(static_cast<int>(how), lasting);
    sim::Disk disk{"fault"};
    bool reached = true;
    for (std::uint64_t nth = 1; reached; ++nth) {
        CAPTURE(nth);
        World world{{}, disk.name()};
        disk.arm(nth, how, lasting);
        for (std::uint64_t n = 1; n <= 6; ++n) {
            world.append(one(n, 20'000), n);
            world.clock.settle();
        }
        world.outbox->confirm(world.outbox->appended() / 2);
        world.clock.settle();
        reached = disk.fired();
        {
            // What a reader of the file sees at this moment, as a restart after a kill would.
            auto const seen = Database::open(world.folder.path() / (stream_a + ".outbox"), Database::Mode::read_only);
            REQUIRE(seen);
            auto count = const_cast<Database&>(*seen).prepare("SELECT count(*) FROM record");
            REQUIRE(count);
            REQUIRE(count->step());
            CHECK(static_cast<std::size_t>(count->integer(0)) == world.answered());
        }
        disk.disarm();
        world.clock.run_for(2s);
        CHECK(world.answered() == 6);
        CHECK(world.witness.damages.empty());
        CHECK(world.outbox->appended() == 6);
        require_whole(*world.store);
        REQUIRE(nth < 200);
    }
}

// A sync that fails leaves pages that can be read and are on no disk; what is written behind them would go with them (storm seed 22).
TEST_CASE("whichever operation fails, and whatever a power cut takes afterwards, answered appends are stored") {
    bool const restarts = GENERATE(false, true);  // between the failure and the power cut, as after a SIGKILL
    bool reached = true;
    for (std::uint64_t nth = 1; reached; ++nth) {
        for (std::uint64_t seed = 1; seed <= 5; ++seed) {
            CAPTURE(restarts, nth, seed);
            sim::Disk disk{"torn", seed};
            World world{{}, disk.name()};
            auto const work = [&](std::uint64_t from) {
                for (std::uint64_t n = from; n < from + 3; ++n) {
                    world.append(one(n, 5'000), n);
                    world.clock.settle();
                    world.outbox->confirm(world.outbox->appended());  // without a sync
                    world.clock.settle();
                }
                world.clock.run_for(2s);
            };
            work(1);
            disk.arm(nth, sim::Disk::How::io_error);
            work(4);
            reached = disk.fired();
            if (restarts) {
                disk.kill();
                world.outbox.reset();
                disk.revive(false);
                world.outbox = std::make_unique<Outbox>(open_store(world.folder.path(), {}, disk.name()), world.clock, "boot",
                                                        world.loop.get_executor(), world.loop.get_executor());
            }
            work(7);
            CHECK(world.answered() == 9);
            disk.kill();
            world.outbox.reset();
            disk.revive(true);
            auto const store = open_store(world.folder.path());
            CHECK(store->position().appended == 9);
            require_whole(*store);
        }
        REQUIRE(nth < 200);
    }
}

TEST_CASE("two threads: every append of a thousand coroutines returns after its commit") {
    TemporaryFolder folder;
    asio::io_context loop{1};
    asio::thread_pool store_thread{1};
    SystemClock clock;
    Outbox outbox{open_store(folder.path()), clock, "boot", loop.get_executor(), store_thread.get_executor()};
    int done = 0;
    for (std::uint64_t n = 1; n <= 1'000; ++n) {
        asio::co_spawn(
            loop,
            [&, n]() -> Task<void> {
                Append append = one(n);
                auto const kept = co_await outbox.append(std::move(append));
                if (kept) ++done;
                auto const read = co_await outbox.peek(n, 1, 1);
                if (!read || read->empty()) --done;
            },
            asio::detached);
    }
    loop.run();
    CHECK(done == 1'000);
    store_thread.join();
}
