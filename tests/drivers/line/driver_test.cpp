// The line driver over a cable in memory: nothing is acknowledged before the commit, nothing is lost to a broken line.
#include "drivers/line/driver.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/drivers/cable_bench.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {

struct Bench : CableBench {
    LineSettings settings;
    std::unique_ptr<LineDriver> driver;

    explicit Bench(std::string acknowledgement = "ACK {key}\n", int key_field = 2) {
        settings.instrument = "line-1";
        settings.key_field = key_field;
        settings.acknowledgement = std::move(acknowledgement);
        settings.bytes_max = 64;
    }
    void plug() { driver = std::make_unique<LineDriver>(settings, *cable.near, clock); }
    Result<Batch> next() {
        if (!driver) plug();
        return clock.finish(driver->next());
    }
};

}  // namespace

TEST_CASE("each line is one record; the acknowledgement waits for the commit") {
    Bench bench;
    bench.say("REC k1 first\nREC k2 second\nREC k3 half");
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 2);
    CHECK(message_of(batch->records[0]) == "REC k1 first");
    CHECK(batch->records[0].sourcekey == "k1");
    CHECK(batch->records[1].sourcekey == "k2");
    CHECK(batch->consumed == 27);
    CHECK(bench.heard().empty());
    REQUIRE(bench.clock.finish(bench.driver->acknowledge(batch->receipt)));
    CHECK(bench.heard() == "ACK k1\nACK k2\n");
    bench.say(" is whole now\n");
    auto const rest = bench.next();
    REQUIRE(rest);
    CHECK(message_of(rest->records.at(0)) == "REC k3 half is whole now");
}

TEST_CASE("the same line again is the same record; other bytes under its key are another run") {
    Bench bench;
    bench.say("REC k1 a\nREC k1 a\nREC k1 b\n");
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 3);
    Sha256 hash;
    std::string const first = idempotency_key(batch->records[0], hash);
    CHECK(idempotency_key(batch->records[1], hash) == first);
    CHECK(idempotency_key(batch->records[2], hash) != first);
    CHECK(batch->records[2].sourcekey == "k1");
}

TEST_CASE("a source that never repeats itself may measure the same twice") {
    Bench bench{"", 0};
    bench.settings.position = 1000;
    bench.say("12.01 g\n12.01 g\n");
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 2);
    CHECK(batch->records[0].sourcekey != batch->records[1].sourcekey);
    // Read again from the journal after a crash they are the same two records.
    Bench again{"", 0};
    again.settings.position = 1000;
    again.say("12.01 g\n12.01 g\n");
    auto const replayed = again.next();
    REQUIRE(replayed);
    CHECK(replayed->records[0].sourcekey == batch->records[0].sourcekey);
    CHECK(replayed->records[1].sourcekey == batch->records[1].sourcekey);
}

TEST_CASE("without a key the same line from a source that waits for its acknowledgement is a repetition") {
    Bench bench{"OK\n", 0};
    bench.say("value 7\nvalue 7\n");
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(batch->records[0].sourcekey == batch->records[1].sourcekey);
}

TEST_CASE("a line of another encoding is kept as bytes and named, never altered") {
    Bench bench;
    bench.say("REC k1 caf\xE9\n");
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 2);
    CHECK(batch->records[0].type == type::run_file);
    CHECK(batch->records[0].data == "REC k1 caf\xE9");
    CHECK(batch->records[1].data.find("unreadable") != std::string::npos);
    CHECK(batch->records[1].data.find("e9, which is not UTF-8") != std::string::npos);
}

TEST_CASE("line length limit: the last allowed byte, and one more (limit + 1)") {
    Bench bench;
    std::string const longest = "REC k1 " + std::string(57, 'x');
    bench.say(longest + "\n" + longest + "y\nREC k2 next\n");
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 4);
    CHECK(message_of(batch->records[0]) == longest);
    CHECK(batch->records[1].data == longest);  // the first 64 bytes are kept
    CHECK(batch->records[2].data.find("65 bytes long, at most 64") != std::string::npos);
    CHECK(message_of(batch->records[3]) == "REC k2 next");
    REQUIRE(bench.clock.finish(bench.driver->acknowledge(batch->receipt)));
    CHECK(bench.heard() == "ACK k1\nACK k2\n");
}

TEST_CASE("a line without an end costs its own bytes only, and memory stays bounded") {
    Bench bench;
    bench.say(std::string(500, 'z'));
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(batch->records.at(0).data == std::string(64, 'z'));
    bench.say(std::string(500, 'z') + "\nREC k9 after\n");
    auto const after = bench.next();
    REQUIRE(after);
    REQUIRE(after->records.size() == 1);
    CHECK(message_of(after->records[0]) == "REC k9 after");
}

TEST_CASE("a cable pulled inside a line: a repeating source says it again, of any other the fragment is kept") {
    Bench repeating;
    repeating.say("REC k1 half");
    repeating.plug();
    repeating.cable.far->cut();
    auto const gone = repeating.next();
    REQUIRE_FALSE(gone);
    CHECK(gone.error().fault == Fault::closed);

    Bench silent{"", 0};
    silent.say("12.0");
    silent.cable.far->cut();
    auto const kept = silent.next();
    REQUIRE(kept);
    CHECK(kept->records.at(0).data == "12.0");
    CHECK(kept->records.at(1).data.find("ended inside a line") != std::string::npos);
    CHECK_FALSE(silent.next());
}

TEST_CASE("terminators of several bytes may arrive in pieces") {
    Bench bench;
    bench.settings.terminator = "\r\n";
    bench.say("REC k1 a\r");
    bench.plug();
    bool done = false;
    std::optional<Result<Batch>> got;
    boost::asio::co_spawn(bench.loop, bench.driver->next(), [&](std::exception_ptr failure, Result<Batch> batch) {
        if (failure) std::rethrow_exception(failure);
        got = std::move(batch);
        done = true;
    });
    bench.clock.settle();
    CHECK_FALSE(done);
    bench.say("\n");
    bench.clock.settle();
    REQUIRE(got);
    CHECK(message_of((*got)->records.at(0)) == "REC k1 a");
}

TEST_CASE("more lines than a batch holds come with the next one") {
    Bench bench;
    std::string text;
    for (std::size_t i = 0; i < LineDriver::batch_lines_max + 1; ++i) text += fmt::format("REC k{} v\n", i);
    bench.say(text);
    std::size_t total = 0;
    while (total < LineDriver::batch_lines_max + 1) {
        auto const batch = bench.next();
        REQUIRE(batch);
        CHECK(batch->records.size() <= LineDriver::batch_lines_max);
        total += batch->records.size();
    }
    CHECK(total == LineDriver::batch_lines_max + 1);
}
