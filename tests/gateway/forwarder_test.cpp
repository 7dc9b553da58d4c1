#include "gateway/forwarder.hpp"

#include <catch2/catch.hpp>

#include "forwarder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::forwarder_world;
using namespace std::chrono_literals;

namespace {
bool ascending(std::vector<std::uint64_t> const& order) {
    for (std::size_t i = 0; i < order.size(); ++i)
        if (order[i] != i + 1) return false;
    return true;
}
}  // namespace

TEST_CASE("ten thousand records of one millisecond arrive once, in order, and nothing is sent after its acknowledgement (fields 9, 1)") {
    World world;
    world.append(10'000);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    CHECK(world.held().through == 10'000);
    CHECK(world.held().duplicates == 0);
    CHECK(world.broker.publishes == 10'000);
    world.clock.run_for(1h);
    CHECK(world.broker.publishes == 10'000);
    CHECK(world.witness.last.state == LinkState::connected);
    CHECK(world.witness.last.repeated == 0);
}

TEST_CASE("publishes without PUBACK never exceed what the broker allows") {
    World world;
    world.broker.receive_maximum = GENERATE(1u, 2u, 20u);
    world.append(500);
    world.forwarder->start();
    // A stream that joins while the window is full is announced when there is room.
    world.clock.run_until_true([&] { return world.broker.publishes == 100; });
    MemorySource salvaged{"0b000000-0000-4000-8000-00000000000b", 1};
    salvaged.append(50);
    world.forwarder->add(salvaged, false);
    REQUIRE(world.emptied(10s));
    CHECK(salvaged.acknowledged() == 50);
    CHECK(world.broker.without_puback_most <= world.broker.receive_maximum);
}

TEST_CASE("without acknowledgements no more records are sent than the window holds (field 23)") {
    std::uint64_t const waiting = GENERATE(799u, 800u, 801u);
    World world;
    world.broker.acknowledge = false;
    world.append(waiting);
    world.forwarder->start();
    world.clock.run_for(20s);
    CHECK(world.broker.publishes == std::min<std::uint64_t>(waiting, 800));
    world.broker.acknowledge = true;
    world.broker.say(stream_a);
    REQUIRE(world.emptied(1s));
    CHECK(world.held().through == waiting);
}

TEST_CASE("without acknowledgements no more bytes are sent than the window holds, and one record always goes") {
    World world{ForwarderLimits{800, GENERATE(10u, 2'000u, 100'000u), 30s, 250ms, 30s}};
    world.broker.acknowledge = false;
    world.append(50, 1'000);
    world.forwarder->start();
    world.clock.run_for(20s);
    std::size_t const each = world.source.at(1).bytes();
    CHECK(world.broker.publishes == std::clamp<std::size_t>(world.limits.bytes / each, 1, 50));
    world.broker.acknowledge = true;
    world.broker.say(stream_a);
    REQUIRE(world.emptied(1min));
}

TEST_CASE("the smallest windows drain ten times their size (field 4)") {
    World world{ForwarderLimits{1, 1, 30s, 250ms, 30s}};
    world.broker.receive_maximum = 1;
    world.append(10);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
}

TEST_CASE("a broker that takes everything and passes nothing on is an alarm within the stall time, and nothing is confirmed (field 8)") {
    World world;
    world.broker.drop = true;
    world.append(50);
    world.forwarder->start();
    world.clock.run_for(31s);
    CHECK(world.witness.count(LinkState::stalled) == 1);
    CHECK(world.source.acknowledged() == 0);
    world.clock.run_for(1h);
    CHECK(world.source.acknowledged() == 0);
    // One alarm for the whole hour, and no more repeats than one window per stall time.
    CHECK(world.witness.count(LinkState::stalled) == 1);
    CHECK(world.broker.publishes <= 50 * 122);
    world.broker.drop = false;
    REQUIRE(world.emptied(2min));
    CHECK(world.witness.last.state == LinkState::connected);
    CHECK(world.held().gaps == 0);
}

TEST_CASE("one PUBACK that never comes does not stop the stream (field 18)") {
    World world;
    world.broker.receive_maximum = GENERATE(1u, 20u);
    world.broker.withhold_puback = 7;
    world.append(100);
    world.forwarder->start();
    REQUIRE(world.emptied(2min));
    CHECK(world.held().gaps < 100);
}

TEST_CASE("a broker that stops answering publishes is left and found again (field 19)") {
    World world;
    world.append(10);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    world.broker.mute = true;
    world.append(50);
    world.clock.run_for(31s);
    CHECK(world.witness.count(LinkState::stalled) == 1);
    CHECK(world.broker.opens >= 2);
    world.clock.run_for(10min);
    CHECK(world.source.acknowledged() == 10);
    world.broker.mute = false;
    REQUIRE(world.emptied(2min));
    CHECK(world.held().through == 60);
}

TEST_CASE("what vanished in a cut without goodbye is sent again (fields 10, 21)") {
    World world;
    world.append(1'000);
    world.forwarder->start();
    world.clock.run_until_true([&] { return world.source.acknowledged() > 300; });
    world.broker.mute = true;
    world.append(200);
    world.clock.run_for(10s);
    world.broker.mute = false;
    world.broker.end(LinkEnd::lost, "silent past its keepalive");
    REQUIRE(world.emptied(1min));
    CHECK(world.held().through == 1'200);
}

TEST_CASE("a refused record is a named alarm and stays (reason 135)") {
    World world;
    world.broker.reason = 135;
    world.append(5);
    world.forwarder->start();
    world.clock.run_for(10min);
    CHECK(world.witness.count(LinkState::not_authorised) == 1);
    CHECK(world.witness.last.state == LinkState::not_authorised);
    CHECK(world.source.acknowledged() == 0);
    world.broker.reason = 0;
    REQUIRE(world.emptied(2min));
    CHECK(world.witness.last.state == LinkState::connected);
}

TEST_CASE("when nobody is subscribed the centre is away, and its return starts the drain (reason 16)") {
    World world;
    world.broker.centre = false;
    world.broker.retained[std::string{topic::centre_state}] = R"({"state":"online"})";
    world.append(100);
    world.forwarder->start();
    world.clock.run_for(1s);
    CHECK(world.witness.last.state == LinkState::centre_away);
    CHECK(world.broker.publishes <= 20);
    world.clock.run_for(1h);
    CHECK(world.witness.count(LinkState::stalled) == 0);
    CHECK(world.broker.publishes <= 20 * 125);
    SECTION("it says so") { world.broker.centre_is(true); }
    SECTION("it is there and its word was lost") { world.broker.centre = true; }
    REQUIRE(world.emptied(2min));
    CHECK(world.witness.last.state == LinkState::connected);
}

TEST_CASE("nothing is sent while the centre says that it is away; what it forgot of the last moments is sent again") {
    World world;
    world.broker.acknowledge = false;
    world.append(100);
    world.forwarder->start();
    world.clock.run_for(1s);
    CHECK(world.broker.publishes == 100);
    world.broker.centre_is(false);
    world.append(50);
    world.clock.run_for(10min);
    CHECK(world.broker.publishes == 100);
    CHECK(world.witness.last.state == LinkState::centre_away);
    world.broker.held.clear();
    world.broker.acknowledge = true;
    world.broker.centre_is(true);
    REQUIRE(world.emptied(1s));
    CHECK(world.held().through == 150);
}

TEST_CASE("attempts during an outage are bounded, and the drain begins at once when it ends (fields 11, 58, 65)") {
    World world;
    world.broker.refuse = true;
    world.append(100'000);
    world.forwarder->start();
    world.clock.run_for(24h);
    // At least half of the ceiling between two attempts.
    CHECK(world.broker.opens <= 24 * 3600 / 15 + 10);
    CHECK(world.broker.opens >= 24 * 3600 / 30);
    CHECK(world.witness.count(LinkState::refused) == 1);
    world.broker.refuse = false;
    REQUIRE(world.clock.run_until_true([&] { return world.broker.connected; }, 31s));
    auto const connected = world.clock.now();
    REQUIRE(world.clock.run_until_true([&] { return world.broker.publishes > 0; }, 2s));
    CHECK(world.clock.now() - connected < 1s);
    REQUIRE(world.emptied(1min));
    CHECK(ascending(world.broker.order));
}

TEST_CASE("two gateways that lose the same broker do not come back in the same instant (field 65)") {
    World first;
    World second;
    sim::SeededEntropy other{99};
    second.forwarder = std::make_unique<Forwarder>(second.broker, second.clock, other, second.loop.get_executor(), "lyon", "bench-3",
                                                   second.limits, second.witness);
    std::vector<std::vector<Clock::Instant>> opened(2);
    World* const worlds[] = {&first, &second};
    for (int i = 0; i < 2; ++i) {
        World& world = *worlds[i];
        world.broker.refuse = true;
        world.forwarder->start();
        for (int attempt = 1; attempt < 8; ++attempt) {
            world.clock.run_until_true([&] { return world.broker.opens > attempt; });
            opened[static_cast<std::size_t>(i)].push_back(world.clock.now());
        }
    }
    CHECK(opened[0] != opened[1]);
}

TEST_CASE("the oldest goes first and live records join the tail (field 14)") {
    World world;
    world.append(5'000);
    world.forwarder->start();
    for (int i = 0; i < 200; ++i) {
        world.loop.restart();
        world.loop.poll_one();
        world.append(10);
    }
    REQUIRE(world.emptied(10s));
    CHECK(world.held().through == 7'000);
    CHECK(ascending(world.broker.order));
}

TEST_CASE("records appended through 500 reconnects at random instants all arrive (field 15)") {
    std::uint64_t const seed = GENERATE(1u, 2u, 3u);
    World world;
    sim::SeededEntropy dice{seed};
    world.forwarder->start();
    for (int i = 0; i < 500; ++i) {
        world.append(1 + dice.below(40));
        for (std::uint64_t turns = dice.below(200); turns > 0; --turns) {
            world.loop.restart();
            if (world.loop.poll_one() == 0) world.clock.run_for(std::chrono::milliseconds(dice.below(300)));
        }
        world.broker.end(dice.one_in(3) ? LinkEnd::refused : LinkEnd::lost, "cut");
    }
    REQUIRE(world.emptied(10min));
    CHECK(world.held().through == world.source.appended());
    CHECK(world.held().gaps == 0);
    // Repeats are bounded by what was in flight at each cut.
    CHECK(world.broker.publishes <= world.source.appended() + 501 * 800);
}

TEST_CASE("an acknowledgement under another chain confirms nothing, alarms once, and sending ends") {
    World world;
    world.append(10);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    world.append(5);
    world.broker.acknowledge = false;
    world.broker.say(stream_a, 12, chain_start("another"));
    world.clock.run_for(1s);
    CHECK(world.source.acknowledged() == 10);
    CHECK(world.witness.last.state == LinkState::centre_disagrees);
    REQUIRE(world.witness.disagreements.size() == 1);
    CHECK(world.witness.disagreements[0] == std::pair<std::string, std::uint64_t>{stream_a, 12});
    std::uint64_t const published = world.broker.publishes;
    world.append(100);
    world.broker.end(LinkEnd::lost, "cut");
    world.clock.run_for(1h);
    CHECK(world.broker.publishes == published);
    CHECK(world.witness.last.state == LinkState::centre_disagrees);
    CHECK(world.witness.disagreements.size() == 1);
    // A person restored the right database: the word that fits ends it.
    world.broker.acknowledge = true;
    world.broker.say(stream_a);
    REQUIRE(world.emptied(1min));
    CHECK(world.witness.last.state == LinkState::connected);
}

TEST_CASE("an acknowledgement beyond what was written is a disagreement") {
    World world;
    world.append(10);
    world.broker.acknowledge = false;
    world.forwarder->start();
    world.clock.run_for(1s);
    world.broker.say(stream_a, 11, chain_start("another"));
    world.clock.run_for(1s);
    CHECK(world.witness.last.state == LinkState::centre_disagrees);
    CHECK(world.source.acknowledged() == 0);
}

TEST_CASE("a storm of repeated acknowledgements makes nothing be sent again") {
    World world;
    world.append(500);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    for (int i = 0; i < 1'000; ++i) world.broker.say(stream_a);
    world.append(100);
    for (int i = 0; i < 1'000; ++i) world.broker.say(stream_a);
    REQUIRE(world.emptied(1s));
    CHECK(world.broker.publishes == 600);
    CHECK(world.witness.disagreements.empty());
}

TEST_CASE("words of central that arrive together are judged in the order they were said") {
    World world;
    world.append(300);
    world.broker.acknowledge = false;
    world.forwarder->start();
    world.clock.run_for(1s);
    // The first is looked up in the store, the second is known at once.
    world.broker.say(stream_a, 300, world.source.at(300).chain);
    world.clock.settle();
    world.append(1);
    world.clock.settle();
    world.broker.say(stream_a, 299, world.source.at(299).chain);
    world.broker.say(stream_a, 301, world.source.at(301).chain);
    std::uint64_t const published = world.broker.publishes;
    world.clock.run_for(1s);
    CHECK(world.broker.publishes <= published + 2);
    CHECK(world.source.acknowledged() == 301);
}

TEST_CASE("a centre that acknowledges after three times the stall time gets bounded repeats and counts once (field 22)") {
    World world{ForwarderLimits{100, 8u << 20, 30s, 250ms, 30s}};
    world.broker.acknowledge = false;
    world.append(100);
    world.forwarder->start();
    world.clock.run_for(90s);
    world.broker.acknowledge = true;
    world.broker.say(stream_a);
    REQUIRE(world.emptied(1s));
    CHECK(world.broker.publishes <= 400);
    CHECK(world.held().through == 100);
}

TEST_CASE("another client with our id is a named alarm and not a tug of war") {
    World world;
    world.append(10);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    int const before = world.broker.opens;
    world.broker.end(LinkEnd::taken_over, "another client uses this id");
    world.clock.run_for(10s);
    CHECK(world.witness.last.state == LinkState::taken_over);
    CHECK(world.broker.opens == before);
    world.append(10);
    REQUIRE(world.emptied(1min));
}

TEST_CASE("a store that is locked for a moment is asked again") {
    World world;
    world.append(10);
    world.source.locked = true;
    world.forwarder->start();
    REQUIRE(world.emptied(5s));
}

TEST_CASE("changed certificates are tried at once, also between two attempts (field 57)") {
    World world;
    world.broker.refuse = true;
    world.append(1);
    world.forwarder->start();
    world.clock.run_for(10min);
    world.broker.refuse = false;
    int const before = world.broker.opens;
    world.forwarder->reconnect_now();
    world.clock.settle();
    CHECK(world.broker.opens == before + 1);
    REQUIRE(world.emptied(1s));
    world.clock.run_for(10min);
    CHECK(world.broker.opens == before + 1);
}

TEST_CASE("a salvaged stream goes first, with its gaps, and a centre that has more of it is believed") {
    World world;
    MemorySource salvaged{"0b000000-0000-4000-8000-00000000000b", 1};
    salvaged.append(50);
    world.append(20);
    world.forwarder->add(salvaged, false);
    world.forwarder->start();
    REQUIRE(world.emptied(1s));
    CHECK(salvaged.acknowledged() == 50);
    CHECK(world.held().through == 20);
    CHECK(world.broker.births.size() == 2);
    CHECK_FALSE(world.broker.births[0].retain);
    CHECK(world.broker.births[1].retain);
    world.forwarder->remove(salvaged);
    MemorySource shorter{"0c000000-0000-4000-8000-00000000000c", 2};
    shorter.append(30);
    world.broker.held[shorter.stream()] = Held{40, chain_start("whatever"), 0, 0};
    world.forwarder->add(shorter, false);
    world.clock.run_for(1s);
    CHECK(shorter.acknowledged() == 30);
    CHECK(world.witness.disagreements.empty());
}

TEST_CASE("a stream that is taken away while it is in flight leaves nothing behind") {
    World world;
    MemorySource second{"0b000000-0000-4000-8000-00000000000b", 1};
    world.broker.acknowledge = false;
    world.append(800);
    world.forwarder->start();
    world.clock.run_until_true([&] { return world.broker.publishes == 400; });
    world.forwarder->remove(world.source);
    second.append(800);
    world.broker.acknowledge = true;
    world.forwarder->add(second, true);
    REQUIRE(world.clock.run_until_true([&] { return second.acknowledged() == 800; }, 1min));
    world.clock.run_for(1h);
    CHECK(world.source.acknowledged() == 0);
    CHECK(world.witness.count(LinkState::stalled) == 0);
}
