// A whole gateway with one instrument that measures at a steady pace, before a broker and a centre that do as they are told. Time is
// virtual.
#pragma once

#include "core/log.hpp"
#include "forwarder_world.hpp"
#include "gateway/api.hpp"
#include "gateway/gateway.hpp"
#include "outbox_world.hpp"

namespace marrowlink::meter_world {
using namespace outbox_world;

inline int errors = 0;  // logged in this world

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

}  // namespace marrowlink::meter_world
