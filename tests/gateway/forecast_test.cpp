#include "meter_world.hpp"

using namespace marrowlink;
using namespace marrowlink::meter_world;
using namespace std::chrono_literals;

namespace {
constexpr auto look = 10min;

// The link is cut at a steady rate; what the page says from then on is held against the moment at which the outbox refuses.
void forecasts_hold(World& world, double tolerance) {
    struct Forecast {
        Clock::Instant at;
        double room_hours;
    };
    std::vector<Forecast> said;
    world.broker.refuse = true;
    world.broker.end(LinkEnd::lost, "cable");
    Clock::Instant const cut = world.clock.now();
    for (; !world.shows("outbox.full"); world.clock.run_for(look)) {
        REQUIRE(world.clock.now() < cut + 100h);
        auto const disk = world.gateway->board().json().at("disk").as_object();
        said.push_back({world.clock.now(), disk.at("room_hours").to_number<double>()});
    }
    REQUIRE(said.size() >= 30);
    std::uint64_t const kept = world.meter.acknowledged;
    world.clock.run_for(1h);
    CHECK(world.meter.acknowledged == kept);
    for (auto const& [at, room_hours] : said) {
        auto const hours = std::chrono::duration<double, std::ratio<3600>>(said.back().at - at).count();
        CAPTURE(hours, room_hours);
        // When it became full is known to one look, and the page learns of it once a minute.
        CHECK(std::abs(room_hours - hours) <= tolerance * hours + 0.2);
    }
}
}  // namespace

TEST_CASE("the hours of room that the page shows are those until the outbox refuses, to a tenth (field 7)") {
    World world{8u << 20};
    world.meter.pause = 10s;
    world.meter.bytes = 1'000;
    SECTION("from a nearly empty outbox") { world.clock.run_for(2h); }
    SECTION("from one full of acknowledged records") { world.clock.run_for(30h); }
    forecasts_hold(world, 0.1);
}

TEST_CASE("an outbox full of acknowledged records of another size misleads the hours of room by no more than a fifth (field 7)") {
    World world{8u << 20};
    world.meter.pause = 10s;
    SECTION("larger ones: files before, messages now") {
        world.meter.bytes = 60'000;
        world.clock.run_for(4h);
        world.meter.bytes = 300;
    }
    SECTION("smaller ones: messages before, files now") {
        world.meter.bytes = 300;
        world.clock.run_for(30h);
        world.meter.pause = 60s;
        world.meter.bytes = 20'000;
    }
    world.clock.run_for(62min);  // the rate is that of the last hour
    forecasts_hold(world, 0.2);
}
