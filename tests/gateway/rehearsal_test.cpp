#include "gateway/rehearsal.hpp"

#include "core/log.hpp"
#include "forwarder_world.hpp"
#include "gateway/api.hpp"
#include "gateway/gateway.hpp"
#include "gateway/rehearsal_text.hpp"
#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;

namespace {

int errors = 0;  // logged in this world

// An instrument that measures one message a `pause` and forgets it when it is acknowledged.
struct Meter {
    std::chrono::milliseconds pause{1'000};
    std::size_t bytes = 100;
    bool resting = false;
    std::uint64_t measured = 0, acknowledged = 0;
};

class MeterDriver final : public Driver {
 public:
    MeterDriver(Meter& meter, Clock& clock) : meter_(meter), clock_(clock) {}
    Task<Result<std::string>> identify() override { co_return "a meter"; }
    Task<Result<Batch>> next() override {
        do co_await clock_.sleep_for(meter_.pause);
        while (meter_.resting);
        Batch batch;
        batch.records.push_back(message(++meter_.measured, meter_.bytes));
        batch.receipt.number = meter_.measured;
        co_return batch;
    }
    Task<Result<void>> acknowledge(Receipt receipt) override {
        meter_.acknowledged = receipt.number;
        co_return Result<void>{};
    }

 private:
    Meter& meter_;
    Clock& clock_;
};

// A whole gateway with one meter, and the API in front of it.
struct World {
    explicit World(std::uint64_t budget_bytes = 1ull << 30) {
        errors = 0;
        log::set_sink([](log::Level level, std::string_view) { errors += level == log::Level::error; });
        Config config;
        config.site = "lyon";
        config.gateway = "bench-2";
        config.outbox.directory = folder.path();
        config.outbox.budget_bytes = budget_bytes;
        InstrumentConfig instrument;
        instrument.id = "reader";
        config.instruments.push_back(instrument);
        OutboxPlace place{folder.path(), "lyon", "bench-2", {}, "boot", {}};
        place.limits.budget_bytes = budget_bytes;
        auto opened = OutboxDirectory::open(std::move(place), dice, clock);
        REQUIRE(opened);
        auto const plan = [this](InstrumentConfig const& wanted) {
            InstrumentPlan made;
            made.id = wanted.id;
            made.driver_name = "meter";
            made.messages = true;
            made.driver = [this](InstrumentPlan::Connection) { return std::make_unique<MeterDriver>(meter, clock); };
            return made;
        };
        GatewayParts parts{clock, dice, loop.get_executor(), loop.get_executor(), broker, plan, "boot", [this] { gave_up = true; }};
        gateway = std::make_unique<Gateway>(std::move(parts), std::move(config), std::move(*opened));
        api = std::make_unique<GatewayApi>(loop.get_executor(), clock, gateway->board(), *gateway);
        gateway->start();
    }
    ~World() {
        log::set_sink([](log::Level, std::string_view) {});
        api.reset();
        gateway.reset();
    }

    HttpResponse ask(std::string method, std::string body = {}) {
        HttpRequest request;
        request.method = std::move(method);
        request.path = "/api/rehearsal";
        request.body = std::move(body);
        request.content_type = "application/json";
        request.local = true;
        return clock.finish(api->handle(request));
    }
    json::object begin(std::string minutes) { return body(ask("POST", "{\"minutes\":" + minutes + "}")); }
    json::object now() { return body(ask("GET")); }
    std::string phase() { return std::string{json::string_of(now(), "phase")}; }
    std::string refusal(std::string minutes) {
        auto const response = ask("POST", "{\"minutes\":" + minutes + "}");
        CHECK(response.status == 409);
        return std::string{json::string_of(body(response), "error")};
    }
    static json::object body(HttpResponse const& response) { return json::parse(response.body, "response")->as_object(); }

    bool shows(std::string_view text) { return json::serialize(gateway->board().json()).find(text) != std::string::npos; }
    std::string link() { return std::string{json::string_of(gateway->board().json().at("link").as_object(), "state")}; }
    forwarder_world::Held& held() {
        REQUIRE(broker.held.size() == 1);
        return broker.held.begin()->second;
    }
    // The audit records that are in the outbox.
    std::vector<json::object> audits() {
        std::vector<json::object> found;
        auto database =
            Database::open(folder.path() / (broker.held.begin()->first + std::string{outbox_suffix}), Database::Mode::read_only);
        REQUIRE(database);
        auto rows = database->prepare("SELECT CAST(data AS TEXT) FROM record WHERE CAST(data AS TEXT) LIKE '%rehearsal.%' ORDER BY seq");
        REQUIRE(rows);
        while (*rows->step()) found.push_back(json::parse(rows->text(0), "audit")->as_object());
        return found;
    }

    TemporaryFolder folder;
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{7};
    forwarder_world::Broker broker{loop};
    Meter meter;
    bool gave_up = false;
    std::unique_ptr<Gateway> gateway;
    std::unique_ptr<GatewayApi> api;
};

}  // namespace

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
