#include "core/log.hpp"
#include "forwarder_world.hpp"
#include "gateway/gateway.hpp"
#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;

namespace {
// A whole gateway without instruments, over an outbox that holds `appended` records.
struct World {
    explicit World(std::uint64_t appended) {
        log::set_sink([](log::Level, std::string_view) {});
        auto store = OutboxStore::open(folder.path(), origin_a, {});
        REQUIRE(store);
        fill(**store, 1, appended);
        auto all = (*store)->peek(1, 1'000, 1u << 20);
        REQUIRE(all);
        records = std::move(*all);
    }
    void start() {
        Config config;
        config.site = "lyon";
        config.gateway = "bench-2";
        config.outbox.directory = folder.path();
        auto opened = OutboxDirectory::open({folder.path(), "lyon", "bench-2", {}, "boot", {}}, dice, clock);
        REQUIRE(opened);
        gateway = std::make_unique<Gateway>(GatewayParts{clock, dice, loop.get_executor(), loop.get_executor(), broker, {}, "boot", {}},
                                            std::move(config), std::move(*opened));
        gateway->start();
    }
    bool shows(std::string const& text) { return json::serialize(gateway->board().json()).find(text) != std::string::npos; }

    TemporaryFolder folder;
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{7};
    forwarder_world::Broker broker{loop};
    std::vector<Record> records;
    std::unique_ptr<Gateway> gateway;
};
}  // namespace

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
