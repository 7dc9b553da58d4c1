// What the centre says of runs from before a start, when its word is quicker than the disk.
#include "gateway_world.hpp"

using namespace marrowlink;
using namespace marrowlink::gateway_world;
using namespace std::chrono_literals;

namespace {
struct SlowDisk {
    void answer(sim::VirtualClock& clock) {
        for (int turn = 0; turn < 100; ++turn) {
            loop.restart();
            loop.poll();
            clock.settle();
        }
    }
    boost::asio::io_context loop{1};
};
}  // namespace

TEST_CASE("an answer of the centre waits until the runs from before the start are read") {
    World world;
    RunIdentity const id{"reader", "spectramax", "run-1", "key-1"};
    Append append;
    append.drafts = {run_started(id, "P-001", "page", {}), run_finished(id, {})};
    REQUIRE(open_store(world.folder.path())->append({append}, stamp, some_day_ms, 0));
    world.broker.retained[topic::answer("lyon", "bench-2")] = R"({"run":"run-1","state":"complete","verdict":"counted","reason":""})";

    SlowDisk disk;
    world.start(disk.loop.get_executor());
    world.clock.run_for(1s);
    CHECK_FALSE(world.shows("run-1"));
    disk.answer(world.clock);
    CHECK(world.shows(R"("run":"run-1")"));
    CHECK(world.shows(R"("verdict":"counted")"));
    world.gateway.reset();
}

TEST_CASE("a gateway that is stopped before its runs are read does not open its link any more") {
    World world{10};
    SlowDisk disk;
    world.start(disk.loop.get_executor());
    world.clock.run_for(1s);
    world.gateway->stop_instruments();
    world.gateway->stop_link();
    disk.answer(world.clock);
    CHECK(world.broker.opens == 0);
    world.gateway.reset();
}
