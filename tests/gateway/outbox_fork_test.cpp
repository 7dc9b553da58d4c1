#include "core/log.hpp"
#include "forwarder_world.hpp"
#include "gateway/outbox_directory.hpp"
#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;

namespace {
struct World {
    World() {
        log::set_sink([](log::Level, std::string_view) {});
        auto store = OutboxStore::open(folder.path(), origin_a, {});
        REQUIRE(store);
        fill(**store, 1, 60);
        auto records = (*store)->peek(1, 100, 1u << 20);
        REQUIRE(records);
        before = std::move(*records);
        REQUIRE((*store)->confirm(40));
    }
    OutboxPlace place() const { return {folder.path(), "lyon", "bench-2", {}, "boot", {}}; }
    TemporaryFolder folder;
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{7};
    std::vector<Record> before;
    Error const why{Fault::broken, "central holds another record as number 50"};
};

// Everything behind 40 is there once more, the same but for its place.
void require_continued(OutboxStore& store, std::vector<Record> const& before) {
    require_whole(store);
    CHECK(store.position().appended == 22);
    CHECK(store.position().acknowledged == 0);
    auto const now = store.peek(1, 100, 1u << 20);
    REQUIRE(now);
    CHECK((*now)[0].type() == type::stream_opened);
    CHECK((*now)[1].type() == type::stream_closed);
    for (std::size_t i = 0; i < 20; ++i) {
        Record const& old = before[40 + i];
        Record const& made = (*now)[2 + i];
        CHECK(made.data == old.data);
        for (auto const* const name :
             {"time", "subject", "sourcekey", "source", "type", "bootid", "uptimems", "clocksync", "datacontenttype", "specversion"})
            CHECK(made.attribute(name) == old.attribute(name));
        CHECK(made.attribute("stream") == store.origin().stream);
    }
}
}  // namespace

TEST_CASE("a forked stream ends at its last common record, and the rest goes on in a new one with the same source keys") {
    World world;
    std::string next;
    {
        auto opened = OutboxDirectory::open(world.place(), world.dice, world.clock);
        REQUIRE(opened);
        opened->store.reset();
        auto forked = opened->directory->fork(stream_a, 40, world.why);
        REQUIRE(forked);
        next = forked->store->origin().stream;
        CHECK(next != stream_a);
        require_continued(*forked->store, world.before);
        // The instrument repeats what it was not told is durable: stored once still.
        REQUIRE(forked->store->append({one(50), one(61)}, stamp, some_day_ms, 0));
        CHECK(forked->store->position().appended == 23);
        CHECK(std::filesystem::exists(world.folder.path() / "set-aside" / (stream_a + ".outbox")));
    }
    auto again = OutboxDirectory::open(world.place(), world.dice, world.clock);
    REQUIRE(again);
    CHECK(again->store->origin().stream == next);
    CHECK(again->salvages.empty());
    CHECK(again->set_aside.empty());
}

TEST_CASE("a kill in the middle of a fork leaves one of the two streams whole") {
    bool const written = GENERATE(false, true);
    World world;
    std::string const next = "0b000000-0000-4000-8000-00000000000b";
    {
        auto store = OutboxStore::open(world.folder.path(), {"lyon", "bench-2", next}, {});
        REQUIRE(store);
        auto old = OutboxStore::open(world.folder.path(), origin_a, {});
        REQUIRE(old);
        Append first;
        for (std::string_view const kind : {type::stream_opened, type::stream_closed}) {
            Draft& draft = first.drafts.emplace_back();
            draft.type = kind;
            draft.instrument = "gateway";
            draft.data = "{}";
        }
        if (written) REQUIRE((*store)->continue_from(**old, 40, first, stamp, some_day_ms));
    }
    std::filesystem::last_write_time(world.folder.path() / (stream_a + ".outbox"), std::filesystem::file_time_type::clock::now() - 1h);
    auto opened = OutboxDirectory::open(world.place(), world.dice, world.clock);
    REQUIRE(opened);
    CHECK(opened->salvages.empty());
    if (written) {
        CHECK(opened->store->origin().stream == next);
        require_continued(*opened->store, world.before);
    } else {
        CHECK(opened->store->origin().stream == stream_a);
        CHECK(opened->store->position().appended == 60);
        CHECK(opened->store->position().acknowledged == 40);
    }
}

TEST_CASE("a fork of a damaged outbox sends what still proves as the stream that it is") {
    World world;
    auto opened = OutboxDirectory::open(world.place(), world.dice, world.clock);
    REQUIRE(opened);
    opened->store.reset();
    {
        auto database = Database::open(world.folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
        bool const at_the_tail = GENERATE(false, true);
        REQUIRE(database->exec(at_the_tail ? "UPDATE record SET data=x'00' WHERE seq=60" : "UPDATE record SET data=x'00' WHERE seq=50"));
    }
    auto forked = opened->directory->fork(stream_a, 40, world.why);
    REQUIRE(forked);
    CHECK(forked->salvages.size() == 1);
    CHECK(forked->store->position().appended == 1);
    std::size_t outboxes = 0;
    for (auto const& entry : std::filesystem::directory_iterator(world.folder.path())) outboxes += entry.path().extension() == ".outbox";
    CHECK(outboxes == 1);
}

TEST_CASE("what a gateway keeps when it is given another name goes on under that name, in a stream of its own") {
    World world;
    OutboxPlace place = world.place();
    place.gateway = "bench-3";
    std::string next;
    {
        auto opened = OutboxDirectory::open(place, world.dice, world.clock);
        REQUIRE(opened);
        next = opened->store->origin().stream;
        CHECK(next != stream_a);
        CHECK(opened->set_aside.empty());
        require_whole(*opened->store);
        CHECK(opened->store->position().appended == 62);
        auto const now = opened->store->peek(1, 100, 1u << 20);
        REQUIRE(now);
        REQUIRE(now->size() == 62);
        for (std::size_t i = 0; i < 60; ++i) {
            Record const& made = (*now)[2 + i];
            CHECK(made.data == world.before[i].data);
            CHECK(made.attribute("sourcekey") == world.before[i].attribute("sourcekey"));
            CHECK(made.attribute("source") == "/lyon/bench-3/reader");
        }
        REQUIRE(opened->store->append({one(50), one(61)}, stamp, some_day_ms, 0));
        CHECK(opened->store->position().appended == 63);
    }
    auto again = OutboxDirectory::open(place, world.dice, world.clock);
    REQUIRE(again);
    CHECK(again->store->origin().stream == next);
    CHECK(again->salvages.empty());
    for (SalvageState const& ended : again->ended) CHECK(ended.acknowledged == 0);
}

TEST_CASE("a gateway keeps its name while something is left of an earlier outbox that can be sent under it only") {
    World world;
    std::filesystem::create_directory(world.folder.path() / "set-aside");
    std::string const earlier = "0b000000-0000-4000-8000-00000000000b";
    REQUIRE(OutboxStore::create(world.folder.path() / "set-aside" / (earlier + ".outbox"), earlier));
    OutboxPlace place = world.place();
    place.gateway = "bench-3";
    auto const refused = OutboxDirectory::open(place, world.dice, world.clock);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::configuration);
    CHECK(refused.error().message.find("/lyon/bench-2") != std::string::npos);
    CHECK(OutboxDirectory::open(world.place(), world.dice, world.clock));
}
