// A centre that knows less than it did, or differs: what is sent again, what is an alarm, what is only an old word.
#include <catch2/catch.hpp>

#include "forwarder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::forwarder_world;
using namespace std::chrono_literals;

TEST_CASE("the retained word of a centre that was restored since is no disagreement; its living word counts") {
    World world;
    world.append(10);
    world.broker.retained[topic::acknowledgement("lyon", "bench-2", stream_a)] =
        json::serialize(json::object{{"through", 12}, {"chain", hex(chain_start("another"))}});
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    CHECK(world.witness.disagreements.empty());
    CHECK(world.held().through == 10);
}

TEST_CASE("central is asked about streams that have ended, and what it forgot of one is told") {
    std::string const ended = "0b000000-0000-4000-8000-00000000000b";
    World world;
    world.broker.held[ended] = {90, chain_start("whatever"), 0, 0};
    world.forwarder->remember(ended, 90);
    world.append(5);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    CHECK(world.witness.forgotten.empty());
    world.broker.held[ended].through = 60;
    world.broker.end(LinkEnd::lost, "cut");
    world.clock.run_for(10s);
    REQUIRE(world.witness.forgotten.size() == 1);
    CHECK(world.witness.forgotten[0] == std::pair{ended, std::uint64_t{60}});
    CHECK(world.broker.births.back().retain);
}

TEST_CASE("a centre restored from its backup is sent again what it forgot") {
    World world;
    world.append(1'000);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    world.broker.held[stream_a].through = 250;
    world.broker.held[stream_a].chain = world.source.at(250).chain;
    world.broker.centre_is(false);
    world.clock.run_for(1s);
    world.broker.centre_is(true);
    world.broker.say(stream_a);
    REQUIRE(world.clock.run_until_true([&] { return world.held().through == 1'000; }, 1min));
    CHECK(world.held().gaps == 0);
    CHECK(world.source.acknowledged() == 1'000);
    CHECK(world.witness.disagreements.empty());
}

TEST_CASE("what a restored centre asks for and is no longer kept is an alarm with a count") {
    World world;
    world.append(1'000);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    world.source.prune(600);
    std::uint64_t const published = world.broker.publishes;
    world.broker.held[stream_a].through = 250;
    world.broker.held[stream_a].chain = world.source.at(250).chain;
    world.broker.say(stream_a);
    world.clock.run_for(1min);
    CHECK(world.witness.last.state == LinkState::centre_disagrees);
    CHECK(world.witness.last.forgotten == 350);
    CHECK(world.broker.publishes == published);
    CHECK(world.witness.disagreements.size() == 1);
}

TEST_CASE("a retained acknowledgement may be old: it confirms what it names and takes nothing back") {
    World world;
    world.append(100);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    std::uint64_t const published = world.broker.publishes;
    world.broker.retained[topic::acknowledgement("lyon", "bench-2", stream_a)] =
        json::serialize(json::object{{"through", 40}, {"chain", hex(world.source.at(40).chain)}});
    world.broker.end(LinkEnd::lost, "cut");
    world.clock.run_for(1min);
    CHECK(world.broker.publishes == published);
    CHECK(world.source.acknowledged() == 100);
    CHECK(world.witness.disagreements.empty());
}
