#include "gateway/room.hpp"

#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;

namespace {
// Of records of 300 bytes each.
OutboxPosition position(std::uint64_t appended, std::uint64_t acknowledged, std::uint64_t first_kept, std::uint64_t used_bytes) {
    OutboxPosition made;
    made.appended = appended;
    made.acknowledged = acknowledged;
    made.first_kept = first_kept;
    made.used_bytes = used_bytes;
    made.appended_bytes = 300 * appended;
    made.kept_bytes = 300 * (appended + 1 - first_kept);
    made.backlog_bytes = 300 * (appended - acknowledged);
    return made;
}
}  // namespace

TEST_CASE("room is what the waiting records leave of the budget; acknowledged ones give way") {
    CHECK(room_bytes(position(0, 0, 1, 0), 1'000'000, std::nullopt) == 1'000'000);
    CHECK(room_bytes(position(1'000, 0, 1, 400'000), 1'000'000, std::nullopt) == 600'000);
    CHECK(room_bytes(position(1'000, 1'000, 1, 999'000), 1'000'000, std::nullopt) == 1'000'000);
    CHECK(room_bytes(position(1'000, 900, 1, 400'000), 1'000'000, std::nullopt) == 960'000);
    // Of 2,000 the first 1,000 are pruned: a thousand kept, half of them waiting.
    CHECK(room_bytes(position(2'000, 1'500, 1'001, 400'000), 1'000'000, std::nullopt) == 800'000);
    CHECK(room_bytes(position(1'000, 0, 1, 2'000'000), 1'000'000, std::nullopt) == 0);
}

TEST_CASE("a file system that is nearly full leaves less room than the budget") {
    CHECK(room_bytes(position(1'000, 0, 1, 400'000), 1'000'000, 5'000) == 5'000);
    CHECK(room_bytes(position(1'000, 0, 1, 400'000), 1'000'000, 700'000) == 600'000);
    // What acknowledged records occupy in the file is used again.
    CHECK(room_bytes(position(1'000, 1'000, 1, 400'000), 1'000'000, 5'000) == 405'000);
    CHECK(room_bytes(position(1'000, 1'000, 1, 400'000), 1'000'000, 0) == 400'000);
}

TEST_CASE("the rate at which the outbox fills is known after a minute, and begins anew with a new stream") {
    UsageRate rate;
    Clock::Instant const began{};
    rate.note(began, position(1'000, 0, 1, 400'000));
    CHECK_FALSE(rate.hours_for(400'000));
    rate.note(began + 30min, position(2'000, 0, 1, 800'000));
    REQUIRE(rate.hours_for(400'000));
    CHECK(*rate.hours_for(400'000) == Approx(0.5));
    rate.note(began + 31min, position(10, 0, 1, 4'000));
    CHECK_FALSE(rate.hours_for(400'000));
    rate.note(began + 61min, position(510, 0, 1, 204'000));
    CHECK(rate.hours_for(400'000).value_or(0) == Approx(1.0));
}

TEST_CASE("the bytes that are kept are known after pruning and after a start") {
    TemporaryFolder const folder;
    OutboxLimits limits;
    limits.retention_ms = 0;
    {
        auto const store = open_store(folder.path(), limits);
        fill(*store, 1, 50, 1'000);
        std::uint64_t const first_half = store->position().appended_bytes;
        fill(*store, 51, 100, 3'000);
        REQUIRE(store->confirm(50));
        REQUIRE(store->prune(some_day_ms + 1, 1'000).value_or(0) == 50);
        CHECK(store->position().kept_bytes == store->position().backlog_bytes);
        CHECK(store->position().kept_bytes == store->position().appended_bytes - first_half);
    }
    auto const store = open_store(folder.path(), limits);
    CHECK(store->position().kept_bytes == store->position().backlog_bytes);
    REQUIRE(store->confirm(100));
    REQUIRE(store->prune(some_day_ms + 1, 1'000).value_or(0) == 50);
    CHECK(store->position().kept_bytes == 0);
}
