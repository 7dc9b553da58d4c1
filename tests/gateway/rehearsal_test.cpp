#include "gateway/rehearsal.hpp"

#include "gateway/rehearsal_text.hpp"
#include "meter_world.hpp"

using namespace marrowlink;
using namespace marrowlink::meter_world;
using namespace std::chrono_literals;

TEST_CASE("a rehearsal closes the link for its time, instruments go on being acknowledged, and everything arrives once") {
    World world;
    world.clock.run_for(5min);
    REQUIRE(world.link() == "connected");
    CHECK(world.phase() == "none");
    std::uint64_t const before = world.meter.acknowledged;
    int const opens = world.broker.opens;
    auto const begun = world.begin("10");
    CHECK(json::string_of(begun, "phase") == "away");
    world.clock.run_for(1s);
    CHECK_FALSE(world.broker.connected);
    CHECK(world.link() == "rehearsal");
    CHECK(world.shows("link.rehearsal"));
    CHECK(world.shows("02:45 UTC"));
    std::uint64_t const at_centre = world.held().through;
    world.clock.run_for(9min + 58s);
    CHECK(world.phase() == "away");
    CHECK(world.broker.opens == opens);
    CHECK(world.held().through == at_centre);
    CHECK(world.meter.acknowledged >= before + 590);
    CHECK(world.now().at("waiting_records").to_number<std::uint64_t>() >= 590);

    // Nobody asks any more: the gateway ends it.
    world.clock.run_for(2s);
    CHECK(world.phase() == "over");
    CHECK(world.link() == "connected");
    CHECK_FALSE(world.shows("link.rehearsal"));
    auto const over = world.now();
    CHECK(json::string_of(over, "ended") == "deadline");
    CHECK(over.at("away_s").to_number<double>() == Approx(600).margin(0.2));
    CHECK(over.at("caught_up").as_bool());
    CHECK(over.at("kept_records").to_number<std::uint64_t>() >= 590);
    CHECK(over.at("outage_hours").to_number<double>() > 100);
    world.meter.resting = true;
    world.clock.run_for(5s);
    CHECK(world.gateway->waiting() == 0);
    CHECK(world.held().gaps == 0);
    CHECK(world.held().through >= world.meter.acknowledged);
    CHECK(errors == 0);

    auto const audits = world.audits();
    REQUIRE(audits.size() == 2);
    CHECK(json::string_of(audits[0], "action") == "rehearsal.began");
    CHECK(json::string_of(audits[0], "who") == "command");
    CHECK(json::string_of(audits[1], "action") == "rehearsal.ended");

    std::string const report = rehearsal_report(over);
    INFO(report);
    CHECK(report.find("The link was away for 10 min 0 s, as long as was asked.") != std::string::npos);
    CHECK(report.find("the backlog was empty again") != std::string::npos);
    CHECK(report.find("Verdict: an outage of") != std::string::npos);
}

TEST_CASE("a rehearsal is refused with a sentence wherever it would not be safe") {
    SECTION("in a real outage") {
        World world;
        world.clock.run_for(1min);
        world.broker.refuse = true;
        world.broker.end(LinkEnd::lost, "cut");
        world.clock.run_for(1min);
        CHECK(world.refusal("1").find("never adds to a real outage") != std::string::npos);
        CHECK(world.link() == "refused");
    }
    SECTION("while the centre is away") {
        World world;
        world.broker.centre = false;
        world.clock.run_for(1min);
        CHECK(world.refusal("1").find("centre_away") != std::string::npos);
    }
    SECTION("while another one runs, and until what it kept has arrived") {
        World world;
        world.clock.run_for(1min);
        world.begin("1");
        CHECK(world.refusal("1").find("under way until 02:32 UTC") != std::string::npos);
        world.broker.refuse = true;
        world.clock.run_for(2min);
        CHECK(world.phase() == "catching_up");
        CHECK(world.refusal("1").find("still on its way") != std::string::npos);
        world.broker.refuse = false;
        world.clock.run_for(2min);
        CHECK(world.phase() == "over");
        CHECK(json::string_of(world.begin("1"), "phase") == "away");
    }
    SECTION("when the room does not last ten times its length") {
        World world{8u << 20};
        world.meter.bytes = 2'000;  // 7 MB an hour at least
        world.clock.run_for(4min);
        auto const short_one = world.ask("POST", R"({"minutes":1})");
        CHECK(short_one.status == 201);
        world.clock.run_for(2min);
        REQUIRE(world.phase() == "over");
        std::string const refused = world.refusal("60");
        INFO(refused);
        CHECK(refused.find("begins only with room for 10.0 hours") != std::string::npos);
        CHECK(world.link() == "connected");
    }
    SECTION("when no rate is known and less than half of the room is left") {
        World world{1u << 20};
        world.broker.acknowledge = false;
        world.meter.pause = 10ms;
        world.meter.bytes = 20'000;
        world.clock.run_for(300ms);
        world.meter.resting = true;
        REQUIRE(world.link() == "connected");
        CHECK(world.refusal("0.1").find("less than half of the room is left") != std::string::npos);
    }
    SECTION("when the disk budget is used up") {
        World world{1u << 20};
        world.broker.acknowledge = false;
        world.meter.pause = 10ms;
        world.meter.bytes = 20'000;
        world.clock.run_for(5s);
        REQUIRE(world.shows("outbox.full"));
        CHECK(world.refusal("0.1").find("cannot keep records now") != std::string::npos);
    }
}

TEST_CASE("a rehearsal takes 0.1 to 60 minutes and nothing else") {
    World world;
    world.clock.run_for(1min);
    for (char const* const minutes : {"0.09", "60.01", "0", "-1", "\"5\"", "null", "1e300", "[]"}) {
        INFO(minutes);
        auto const response = world.ask("POST", std::string{"{\"minutes\":"} + minutes + "}");
        CHECK(response.status == 400);
        CHECK(json::string_of(World::body(response), "error").find("from 0.1 to 60") != std::string_view::npos);
    }
    CHECK(world.ask("POST", "{}").status == 400);
    CHECK(world.ask("PUT", "{}").status == 405);
    CHECK(world.phase() == "none");
    CHECK(world.ask("POST", R"({"minutes":0.1})").status == 201);
    CHECK(world.ask("DELETE").status == 200);
    world.clock.run_for(1min);
    CHECK(world.ask("POST", R"({"minutes":60})").status == 201);
}

TEST_CASE("a rehearsal ends early when somebody asks for it") {
    World world;
    world.clock.run_for(1min);
    CHECK(world.ask("DELETE").status == 409);
    world.begin("60");
    world.clock.run_for(3min);
    CHECK(json::string_of(World::body(world.ask("DELETE")), "ended") == "asked");
    CHECK(world.ask("DELETE").status == 409);
    world.clock.run_for(10s);
    CHECK(world.phase() == "over");
    CHECK(world.link() == "connected");
    CHECK(world.now().at("away_s").to_number<double>() == Approx(180).margin(0.2));
    world.meter.resting = true;
    world.clock.run_for(10s);
    CHECK(world.gateway->waiting() == 0);
    CHECK(rehearsal_report(world.now()).find("restored early, because somebody asked") != std::string::npos);
}

TEST_CASE("a rehearsal that finds the room shrinking ends by itself, and nothing accepted is lost") {
    World world{64u << 20};
    world.meter.pause = 20s;
    world.clock.run_for(3min);
    world.begin("60");
    world.clock.run_for(1min);
    REQUIRE(world.phase() == "away");
    // Far more than in the last hour, and so sooner at the half of the room than the hourly rate says.
    world.meter.pause = 10ms;
    world.meter.bytes = 20'000;
    world.clock.run_for(1min);
    auto const over = world.now();
    CHECK(json::string_of(over, "ended") == "room");
    CHECK(over.at("least_room_bytes").to_number<std::uint64_t>() > 16u << 20);
    CHECK_FALSE(world.shows("outbox.full"));
    world.meter.resting = true;
    world.clock.run_for(1min);
    CHECK(world.phase() == "over");
    CHECK(world.gateway->waiting() == 0);
    CHECK(world.held().gaps == 0);
    CHECK(world.meter.acknowledged == world.meter.measured);
}

TEST_CASE("a real outage that begins meanwhile is found at the restore and reported, with the backlog kept") {
    World world;
    world.clock.run_for(1min);
    world.begin("1");
    world.broker.refuse = true;
    world.clock.run_for(1min + 1s);
    CHECK(world.phase() == "catching_up");
    CHECK(world.link() == "refused");
    CHECK(world.shows("link.refused"));
    CHECK(rehearsal_progress(world.now()).find("link refused") != std::string::npos);
    world.clock.run_for(catch_up_max + 2s);
    CHECK(world.phase() == "over");
    CHECK_FALSE(world.now().at("caught_up").as_bool());
    CHECK(rehearsal_report(world.now()).find("the centre still lacks") != std::string::npos);
    world.broker.refuse = false;
    world.clock.run_for(1min);
    world.meter.resting = true;
    world.clock.run_for(5s);
    CHECK(world.gateway->waiting() == 0);
    CHECK(world.held().gaps == 0);
}

TEST_CASE("a changed configuration does not open a link that is closed for a rehearsal") {
    World world;
    world.clock.run_for(1min);
    world.begin("5");
    world.clock.run_for(1s);
    int const opens = world.broker.opens;
    Config config;
    config.site = "lyon";
    config.gateway = "bench-2";
    world.gateway->reload(config);
    world.clock.run_for(1min);
    CHECK(world.broker.opens == opens);
    CHECK(world.link() == "rehearsal");
}

TEST_CASE("a gateway that is told to stop ends its rehearsal and says so in a record") {
    World world;
    world.clock.run_for(1min);
    world.begin("5");
    world.clock.run_for(1min);
    world.gateway->stop_instruments();
    world.clock.run_for(100ms);
    world.gateway->stop_link();
    world.clock.run_for(100ms);
    auto const audits = world.audits();
    REQUIRE(audits.size() == 2);
    CHECK(json::string_of(audits[1], "detail").find("stopping") != std::string_view::npos);
}

TEST_CASE("a rehearsal in which nothing was measured claims nothing") {
    World world;
    world.meter.resting = true;
    world.clock.run_for(1min);
    auto const over = [&] {
        world.begin("0.1");
        world.clock.run_for(1min);
        return world.now();
    }();
    CHECK(json::string_of(over, "phase") == "over");
    INFO(rehearsal_report(over));
    CHECK(rehearsal_report(over).find("says nothing") != std::string::npos);
}
