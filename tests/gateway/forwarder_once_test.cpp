#include <catch2/catch.hpp>

#include "forwarder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::forwarder_world;
using namespace std::chrono_literals;

TEST_CASE(
    "what was acknowledged is never published again: not in an hour, not after a reconnection, not by the next start (field 1, field 2)") {
    World world;
    world.append(1'000);
    world.forwarder->start();
    REQUIRE(world.emptied(1min));
    CHECK(world.broker.publishes == 1'000);
    world.clock.run_for(1h);
    CHECK(world.broker.publishes == 1'000);
    world.broker.end(LinkEnd::lost, "cut");
    world.clock.run_for(1min);
    CHECK(world.broker.connected);
    CHECK(world.broker.publishes == 1'000);
    world.append(1);
    REQUIRE(world.emptied(1min));
    CHECK(world.broker.publishes == 1'001);
    CHECK(world.broker.order.back() == 1'001);

    world.forwarder.reset();
    world.broker.end(LinkEnd::lost, "killed");
    world.forwarder = std::make_unique<Forwarder>(world.broker, world.clock, world.entropy, world.loop.get_executor(), "lyon", "bench-2",
                                                  world.limits, world.witness);
    world.forwarder->add(world.source, true);
    world.forwarder->start();
    world.clock.run_for(1min);
    CHECK(world.broker.publishes == 1'001);
    world.append(1);
    REQUIRE(world.emptied(1min));
    CHECK(world.broker.publishes == 1'002);
    CHECK(world.broker.order.back() == 1'002);
}
