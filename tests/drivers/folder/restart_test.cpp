// Kills, restarts, shares that come and go, and folders with very many files.
#include <catch2/catch.hpp>

#include "tests/drivers/folder/folder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::sim;
using namespace std::chrono_literals;

namespace {
// 2.5 MiB of bytes and about one of readings; a person's name in each chunk.
std::string large_export() {
    std::string out = test_export("large", 20'000, "0.123456");
    std::string padding;
    while (padding.size() < (5u << 19)) padding += "operator=Jeanne Martin\nlong=" + std::string(3'000, '.') + "\n";
    return out.insert(12, padding);
}
}  // namespace

TEST_CASE("a kill at any batch, before or after its commit, changes nothing in the end") {
    std::string const bytes = large_export();
    FolderWorld whole;
    whole.folder->write("large.txt", bytes);
    whole.start();
    whole.run(1min);
    auto const expected = whole.outbox.ledger();
    REQUIRE(whole.outbox.batches >= 4);
    CHECK(whole.outbox.largest_batch <= batch_bytes_max);
    CHECK(whole.outbox.original(whole.outbox.records.front().run, hex(sha256(bytes))) == bytes);

    for (std::size_t n = 0; n < whole.outbox.batches; ++n) {
        for (bool const stored : {false, true}) {
            INFO("killed at batch " << n << (stored ? ", stored" : ", not stored"));
            MemoryOutbox outbox;
            {
                FolderWorld killed;
                killed.folder->write("large.txt", bytes);
                (stored ? killed.dies_after : killed.dies_before) = n;
                killed.start();
                killed.run(1min);
                REQUIRE(killed.dead);
                outbox = std::move(killed.outbox);
            }
            FolderWorld again;
            again.folder->write("large.txt", bytes);
            again.outbox = std::move(outbox);
            if (!again.outbox.records.empty() && again.outbox.taken.empty()) {
                Draft const& begun = again.outbox.records.front();
                again.options.open_run = RunIdentity{begun.instrument, "folder", begun.run, begun.sourcekey};
            }
            again.start();
            again.run(1min);
            CHECK(again.outbox.ledger() == expected);
            CHECK(again.outbox.taken.size() == 1);
            CHECK(again.standing("large.txt") == "taken");
        }
    }
}

TEST_CASE("a run that a stop interrupted ends with a reason when its file has gone or changed") {
    bool const changed = GENERATE(false, true);
    MemoryOutbox outbox;
    {
        FolderWorld killed;
        killed.folder->write("large.txt", large_export());
        killed.dies_after = 1;
        killed.start();
        killed.run(1min);
        outbox = std::move(killed.outbox);
    }
    FolderWorld again;
    Draft const begun = outbox.records.front();
    again.outbox = std::move(outbox);
    again.options.open_run = RunIdentity{begun.instrument, "folder", begun.run, begun.sourcekey};
    if (changed) again.folder->write("large.txt", test_export("large", 2));
    again.start();
    again.run(1min);
    auto const aborted = again.outbox.of(type::run_aborted);
    REQUIRE(aborted.size() == 1);
    CHECK(aborted[0].run == begun.run);
    CHECK(again.outbox.of(type::run_finished).size() == (changed ? 1 : 0));
}

TEST_CASE("after a restart nothing is taken twice") {
    FolderWorld first;
    for (int i = 0; i < 20; ++i) first.folder->write("plate" + std::to_string(i), test_export("guid-" + std::to_string(i)));
    first.start();
    first.run(1min);
    REQUIRE(first.outbox.of(type::run_finished).size() == 20);
    std::size_t const records = first.outbox.records.size();
    FolderWorld second;
    for (int i = 0; i < 20; ++i) second.folder->write("plate" + std::to_string(i), test_export("guid-" + std::to_string(i)));
    second.outbox = first.outbox;
    second.start();
    second.run(1min);
    CHECK(second.outbox.records.size() == records);
    CHECK(second.standing("plate7") == "taken");
}

TEST_CASE("a share that is away is a named state, tried with a growing pause, and nothing is read anew after it (field 62)") {
    FolderWorld world;
    for (int i = 0; i < 50; ++i) world.folder->write("plate" + std::to_string(i), test_export("guid-" + std::to_string(i)));
    world.start();
    world.run(1min);
    std::size_t const reads = world.folder->reads();
    CHECK_FALSE(world.driver->trouble());
    world.folder->set_away(true);
    std::size_t const lists = world.folder->lists();
    world.run(1h);
    REQUIRE(world.driver->trouble());
    CHECK(world.driver->trouble()->fault == Fault::unavailable);
    CHECK(world.driver->activity().find("check the network share") != std::string::npos);
    CHECK(world.clock.now() - *world.driver->heard() > 59min);
    CHECK(world.driver->files().size() == 50);
    CHECK(world.folder->lists() - lists < 70);
    CHECK_FALSE(world.ended);
    world.folder->set_away(false);
    world.run(absent_pause_max + 1s);
    CHECK_FALSE(world.driver->trouble());
    CHECK(world.folder->reads() == reads);
    // Remounted, every file is announced again with another time: read again, known by content, not taken again.
    for (int i = 0; i < 50; ++i) world.folder->touch("plate" + std::to_string(i));
    world.run(1min);
    CHECK(world.folder->reads() == 2 * reads);
    CHECK(world.outbox.of(type::run_finished).size() == 50);
    CHECK(world.standing("plate7") == "taken");
}

TEST_CASE("a folder that is not there when the driver starts is said at once") {
    FolderWorld world;
    world.folder->set_away(true);
    auto of_taken = [](std::string) -> Task<Result<std::string>> { co_return std::string{}; };
    FolderDriver driver{world.folder, world.options, world.clock, world.loop.get_executor(), of_taken};
    auto const identity = world.clock.finish(driver.identify());
    REQUIRE_FALSE(identity);
    CHECK(identity.error().fault == Fault::unavailable);
    world.folder->set_away(false);
    CHECK(world.clock.finish(driver.identify()).value() == "Export folder");
}

TEST_CASE("ten thousand files are read once, not at each poll") {
    FolderWorld world;
    for (int i = 0; i < 10'000; ++i) world.folder->write("plate" + std::to_string(i), test_export("guid-" + std::to_string(i), 1));
    world.start();
    world.run(5min);
    CHECK(world.folder->reads() == 10'000);
    CHECK(world.folder->lists() > 100);
    CHECK(world.outbox.of(type::run_finished).size() == 10'000);
    CHECK(world.driver->files().size() == files_listed_max);
}

TEST_CASE("at folder_files_max a further file is named as trouble until others are gone") {
    FolderWorld world;
    world.options.settle = std::chrono::hours{1};
    for (std::size_t i = 0; i < folder_files_max; ++i) world.folder->write(std::to_string(i), "");
    world.start();
    world.run(1s);
    CHECK_FALSE(world.driver->trouble());
    world.folder->write("one more", "");
    world.run(5s);
    REQUIRE(world.driver->trouble());
    CHECK(world.driver->trouble()->fault == Fault::full);
    world.folder->remove("7");
    world.run(10s);
    CHECK_FALSE(world.driver->trouble());
}
