#include <catch2/catch.hpp>

#include "forwarder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::forwarder_world;
using namespace std::chrono_literals;

TEST_CASE("a held link closes, stays closed whatever happens, and opens at once when it is released") {
    World world;
    world.append(10);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    world.forwarder->hold("for a test");
    CHECK(world.forwarder->status().state == LinkState::rehearsal);
    CHECK(world.forwarder->status().detail == "for a test");
    world.clock.run_for(1s);
    CHECK_FALSE(world.broker.connected);
    int const opens = world.broker.opens;
    world.append(500);
    world.forwarder->reconnect_now();
    world.clock.run_for(24h);
    CHECK(world.broker.opens == opens);
    CHECK(world.source.acknowledged() == 10);
    CHECK(world.witness.states.back() == LinkState::rehearsal);
    world.forwarder->release();
    REQUIRE(world.emptied(1s));
    CHECK(world.broker.opens == opens + 1);
    CHECK(world.witness.last.state == LinkState::connected);
    CHECK(world.held().through == 510);
    CHECK(world.held().gaps == 0);
}

TEST_CASE("a link held in the middle of a full window sends all of it again and confirms it once") {
    World world;
    world.broker.acknowledge_every = 400;
    world.append(5'000);
    world.forwarder->start();
    REQUIRE(world.clock.run_until_true([&] { return world.source.acknowledged() >= 1'200; }, 1s));
    world.forwarder->hold("for a test");
    world.clock.run_for(1s);
    std::uint64_t const acknowledged = world.source.acknowledged();
    std::uint64_t const publishes = world.broker.publishes;
    world.clock.run_for(1h);
    CHECK(world.source.acknowledged() == acknowledged);
    CHECK(world.broker.publishes == publishes);
    CHECK(world.witness.count(LinkState::stalled) == 0);
    world.broker.acknowledge_every = 1;
    world.forwarder->release();
    REQUIRE(world.emptied(1min));
    CHECK(world.held().through == 5'000);
    CHECK(world.held().gaps == 0);
}

TEST_CASE("a link is held and released in any state of its connection") {
    World world;
    world.append(10);
    SECTION("while it is still opening") {
        world.forwarder->start();
        world.forwarder->hold("for a test");
        world.clock.run_for(1h);
        CHECK(world.broker.opens == 1);
    }
    SECTION("while it waits to try again") {
        world.broker.refuse = true;
        world.forwarder->start();
        world.clock.run_for(10min);
        int const opens = world.broker.opens;
        world.forwarder->hold("for a test");
        world.clock.run_for(1h);
        CHECK(world.broker.opens == opens);
        world.broker.refuse = false;
    }
    SECTION("while the centre is away") {
        world.broker.centre = false;
        world.forwarder->start();
        world.clock.run_for(1min);
        world.forwarder->hold("for a test");
        world.clock.run_for(1h);
        world.broker.centre = true;
    }
    SECTION("and released before it has closed") {
        world.forwarder->start();
        REQUIRE(world.emptied(1s));
        world.forwarder->hold("for a test");
        world.append(10);
    }
    CHECK(world.forwarder->status().state == LinkState::rehearsal);
    CHECK_FALSE(world.source.acknowledged() == world.source.appended());
    world.forwarder->release();
    world.forwarder->release();
    REQUIRE(world.emptied(10s));
    CHECK(world.witness.last.state == LinkState::connected);
    CHECK(world.held().gaps == 0);
}

TEST_CASE("a forwarder that is stopped while its link is held does not open it any more") {
    World world;
    world.forwarder->start();
    world.clock.run_for(1s);
    world.forwarder->hold("for a test");
    world.clock.run_for(1s);
    int const opens = world.broker.opens;
    world.forwarder->stop();
    world.forwarder->release();
    world.clock.run_for(1h);
    CHECK(world.broker.opens == opens);
    CHECK_FALSE(world.broker.connected);
}
