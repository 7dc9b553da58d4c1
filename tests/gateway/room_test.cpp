#include "gateway/room.hpp"

#include <catch2/catch.hpp>

using namespace marrowlink;

namespace {
OutboxPosition position(std::uint64_t appended, std::uint64_t acknowledged, std::uint64_t first_kept, std::uint64_t used_bytes) {
    OutboxPosition made;
    made.appended = appended;
    made.acknowledged = acknowledged;
    made.first_kept = first_kept;
    made.used_bytes = used_bytes;
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
