#include "gateway_world.hpp"

using namespace marrowlink;
using namespace marrowlink::gateway_world;
using namespace std::chrono_literals;

TEST_CASE("a gateway whose outbox was cloned sends in a new stream what the centre does not have") {
    World world{60};
    // The centre has 50 of the other copy's, of which the first 40 are ours too.
    world.broker.held[stream_a] = {50, chain_start("another"), 0, 0};
    world.start();
    REQUIRE(world.clock.run_until_true(
        [&] {
            for (auto const& [stream, held] : world.broker.held)
                if (stream != stream_a && held.through >= 62) return true;
            return false;
        },
        2min));
    CHECK(world.broker.held.at(stream_a).through == 50);
    CHECK(world.broker.lost.at(stream_a).empty());
    CHECK(std::filesystem::exists(world.folder.path() / "set-aside" / (stream_a + ".outbox")));
    CHECK(world.shows("outbox.forked"));
    world.gateway.reset();
}

TEST_CASE("a centre restored from before a fork is sent again what the ended stream had before it") {
    World world{60};
    world.broker.held[stream_a] = {40, world.records[39].chain, 0, 0};
    world.broker.drop = true;
    world.start();
    world.clock.run_for(10s);
    world.broker.drop = false;
    world.broker.held[stream_a] = {50, chain_start("another"), 0, 0};
    world.broker.end(LinkEnd::lost, "cut");
    world.clock.run_for(2min);
    REQUIRE(world.shows("outbox.forked"));
    // It knows the first 20, as they were before the outbox was cloned.
    world.broker.held[stream_a] = {20, world.records[19].chain, 0, 0};
    world.broker.end(LinkEnd::lost, "cut");
    world.clock.run_for(5min);
    CHECK(world.broker.held.at(stream_a).through == 40);
    CHECK(world.broker.held.at(stream_a).chain == world.records[39].chain);
    CHECK(world.broker.held.at(stream_a).gaps == 0);
    world.gateway.reset();
}

TEST_CASE("a gateway whose outbox is damaged while it runs goes on in a new stream and sends the rest of the old one (field 29)") {
    World world{200};
    {
        auto database = Database::open(world.folder.path() / (stream_a + ".outbox"), Database::Mode::read_write);
        REQUIRE(database->exec("UPDATE record SET data=x'00' WHERE seq=20"));
    }
    world.start();
    REQUIRE(world.clock.run_until_true(
        [&] { return world.broker.held.contains(stream_a) && world.broker.held.at(stream_a).through == 200; }, 2min));
    CHECK(world.broker.held.at(stream_a).gaps == 0);
    CHECK(world.broker.held.at(stream_a).chain == world.records.back().chain);
    REQUIRE(world.broker.lost.at(stream_a).size() == 1);
    CHECK(json::integer_of(world.broker.lost.at(stream_a)[0], "first") == 20);
    CHECK(world.shows("outbox.set_aside"));
    world.clock.run_for(1min);
    world.gateway.reset();
}
