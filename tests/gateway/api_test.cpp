#include "gateway/api.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {

class Commands final : public GatewayCommands {
 public:
    Task<Result<std::string>> start(std::string instrument, std::string plate) override {
        said.push_back(instrument + " " + plate);
        if (busy) co_return fail(Fault::refused, "The reader measures already.");
        co_return "run-1";
    }
    Task<Result<void>> label(std::string run, std::string plate, std::string who, std::string why) override {
        said.push_back(run + " " + plate + " " + who + " " + why);
        co_return Result<void>{};
    }
    Task<Result<std::vector<Reading>>> readings(std::string run) override {
        if (run != "run-1") co_return fail(Fault::unavailable, "There is no run " + run + " here.");
        std::vector<Reading> readings;
        readings.push_back(Reading{"P-1", "OD", "A1", "", "600", "", "0.123", "OD", ""});
        co_return readings;
    }
    Task<Result<json::object>> adapter(std::string instrument) override {
        if (instrument == "silent") co_return fail(Fault::timed_out, "The adapter did not answer.");
        if (instrument != "reader") co_return co_await GatewayCommands::adapter(std::move(instrument));
        co_return json::object{{"firmware", "0.1.0"}};
    }
    Result<json::object> rehearse(std::chrono::milliseconds length, std::string who) override {
        said.push_back("rehearse " + std::to_string(length.count()) + " " + who);
        if (busy) return fail(Fault::refused, "Not now.");
        return json::object{{"phase", "away"}};
    }
    Result<json::object> end_rehearsal(std::string who) override {
        said.push_back("end rehearsal " + who);
        return json::object{{"phase", "catching_up"}};
    }
    json::object rehearsal() const override { return {{"phase", "none"}}; }
    std::vector<std::string> said;
    bool busy = false;
};

struct World {
    boost::asio::io_context loop;
    sim::VirtualClock clock{loop};
    StatusBoard board{clock, "lyon", "gw-1"};
    Commands commands;
    GatewayApi api{loop.get_executor(), clock, board, commands};

    HttpResponse ask(std::string method, std::string path, std::string body = {},
                     std::map<std::string, std::string, std::less<>> query = {}) {
        HttpRequest request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.body = std::move(body);
        request.query = std::move(query);
        request.content_type = "application/json";
        return clock.finish(api.handle(request));
    }
};

json::object body_of(HttpResponse const& response) { return json::parse(response.body, "response")->as_object(); }

}  // namespace

TEST_CASE("the board comes as JSON, the page as HTML, health and metrics as text") {
    World world;
    CHECK(body_of(world.ask("GET", "/api/status")).at("gateway").as_object().at("site").as_string() == "lyon");
    auto const page = world.ask("GET", "/");
    CHECK(page.content_type == "text/html; charset=utf-8");
    CHECK(page.fixed_body.find("<html") != std::string_view::npos);
    CHECK(world.ask("GET", "/healthz").status == 200);
    CHECK(world.ask("GET", "/metrics").body.find("marrowlink_outbox_records 0\n") != std::string::npos);
    CHECK(world.ask("GET", "/readyz").status == 503);
    world.board.stream("0e6b3ad2-0000-4000-8000-000000000000");
    CHECK(world.ask("GET", "/readyz").status == 200);
}

TEST_CASE("what does not exist is 404, a wrong method 405") {
    World world;
    for (char const* const path :
         {"/etc/passwd", "/../gateway/api.cpp", "/api", "/api/runs/", "/api/runs/x", "/api/runs/x/y", "/api/instruments/x", "//"}) {
        INFO(path);
        CHECK(world.ask("GET", path).status == 404);
    }
    CHECK(world.ask("GET", "/api/instruments/reader/start").status == 405);
    CHECK(world.ask("POST", "/api/status").status == 405);
    CHECK(world.ask("DELETE", "/api/runs/run-1.csv").status == 405);
    CHECK(world.ask("GET", "/api/runs/run-1/label").status == 405);
}

TEST_CASE("a start needs an instrument that exists, and a plate") {
    World world;
    world.board.instrument("reader").commandable = true;
    CHECK(world.ask("POST", "/api/instruments/other/start", R"({"plate":"P-1"})").status == 404);
    for (char const* const body : {"", "{", "[]", "{}", R"({"plate":""})", R"({"plate":"   "})", R"({"plate":7})", R"({"plate":"a\nb"})"}) {
        INFO(body);
        auto const refused = world.ask("POST", "/api/instruments/reader/start", body);
        CHECK(refused.status == 400);
        CHECK_FALSE(body_of(refused).at("error").as_string().empty());
    }
    CHECK(world.commands.said.empty());
    auto const started = world.ask("POST", "/api/instruments/reader/start", R"({"plate":" P-1 "})");
    CHECK(started.status == 201);
    CHECK(body_of(started).at("run").as_string() == "run-1");
    CHECK(world.commands.said == std::vector<std::string>{"reader P-1"});
    world.commands.busy = true;
    auto const busy = world.ask("POST", "/api/instruments/reader/start", R"({"plate":"P-2"})");
    CHECK(busy.status == 409);
    CHECK(body_of(busy).at("error").as_string() == "The reader measures already.");
}

TEST_CASE("a plate's name is taken up to its limit and not one byte more (field 23)") {
    World world;
    world.board.instrument("reader").commandable = true;
    auto const start = [&](std::size_t bytes) {
        return world.ask("POST", "/api/instruments/reader/start", "{\"plate\":\"" + std::string(bytes, 'P') + "\"}").status;
    };
    CHECK(start(plate_text_bytes_max - 1) == 201);
    CHECK(start(plate_text_bytes_max) == 201);
    CHECK(start(plate_text_bytes_max + 1) == 400);
}

TEST_CASE("a rehearsal is begun, looked at and ended, and who asked is known by the way it came") {
    World world;
    CHECK(body_of(world.ask("GET", "/api/rehearsal")).at("phase").as_string() == "none");
    CHECK(world.ask("POST", "/api/rehearsal", R"({"minutes":0.2})").status == 201);
    CHECK(world.ask("DELETE", "/api/rehearsal").status == 200);
    HttpRequest request;
    request.method = "POST";
    request.path = "/api/rehearsal";
    request.body = R"({"minutes":60})";
    request.content_type = "application/json";
    request.local = true;
    CHECK(world.clock.finish(world.api.handle(request)).status == 201);
    CHECK(world.commands.said == std::vector<std::string>{"rehearse 12000 page", "end rehearsal page", "rehearse 3600000 command"});
    world.commands.busy = true;
    CHECK(world.ask("POST", "/api/rehearsal", R"({"minutes":1})").status == 409);
    request.content_type = "text/plain";
    CHECK(world.clock.finish(world.api.handle(request)).status == 400);
    CHECK(world.commands.said.size() == 4);
}

TEST_CASE("a form of another page is refused by its content type") {
    World world;
    world.board.instrument("reader").commandable = true;
    HttpRequest request;
    request.method = "POST";
    request.path = "/api/instruments/reader/start";
    request.body = R"({"plate":"P-1"})";
    request.content_type = "text/plain";
    CHECK(world.clock.finish(world.api.handle(request)).status == 400);
    CHECK(world.commands.said.empty());
}

TEST_CASE("a corrected plate says who and why") {
    World world;
    CHECK(world.ask("POST", "/api/runs/run-1/label", R"({"plate":"P-2","who":"","why":"typed wrong"})").status == 400);
    CHECK(world.ask("POST", "/api/runs/run-1/label", R"({"plate":"P-2","who":"AB"})").status == 400);
    CHECK(world.commands.said.empty());
    CHECK(world.ask("POST", "/api/runs/run-1/label", R"({"plate":"P-2","who":"AB","why":"typed wrong"})").status == 201);
    CHECK(world.commands.said == std::vector<std::string>{"run-1 P-2 AB typed wrong"});
}

TEST_CASE("a plate comes from the board while it is measured and from the outbox afterwards") {
    World world;
    CHECK(body_of(world.ask("GET", "/api/runs/run-1/plate")).at("wells").as_array().at(0).as_object().at("value").as_string() == "0.123");
    std::vector<Reading> readings;
    readings.push_back(Reading{"P-1", "OD", "B2", "", "600", "", "0.5", "OD", ""});
    world.board.plate("run-1", plate_of(std::move(readings)));
    CHECK(body_of(world.ask("GET", "/api/runs/run-1/plate")).at("wells").as_array().at(0).as_object().at("well").as_string() == "B2");
    CHECK(world.ask("GET", "/api/runs/run-9/plate").status == 404);
    CHECK(world.ask("GET", "/api/runs/run-1/plate", "", {{"frame", "0"}}).status == 200);
    for (char const* const frame : {"", "x", "-1", "1x", "99999999999999999999999"}) {
        INFO(frame);
        CHECK(world.ask("GET", "/api/runs/run-1/plate", "", {{"frame", frame}}).status == 400);
    }
}

TEST_CASE("a CSV is named after the plate, with nothing in its name that a header or a shell minds") {
    World world;
    world.board.run("run-1").plate = "P \"1\"\r\nX: y/../é";
    auto const csv = world.ask("GET", "/api/runs/run-1.csv");
    CHECK(csv.body.find("run-1,P-1,OD,A1,,600,,0.123,OD,\r\n") != std::string::npos);
    REQUIRE(csv.headers.size() == 1);
    CHECK(csv.headers[0].second == "attachment; filename=\"P__1___X__y_..___.csv\"");
    CHECK(world.ask("GET", "/api/runs/run-9.csv").status == 404);
}

TEST_CASE("events: whole at first, then at most four a second, a beat in silence, and nothing at all without a page") {
    World world;
    auto const stream = world.ask("GET", "/api/events").stream;
    REQUIRE(stream);
    std::vector<std::pair<Clock::Instant, std::string>> events;
    auto const follow = [&]() -> Task<void> {
        for (;;) {
            auto event = co_await stream->next();
            events.emplace_back(world.clock.now(), *std::move(event));
        }
    };
    boost::asio::co_spawn(world.loop, follow(), boost::asio::detached);
    world.clock.settle();
    REQUIRE(events.size() == 1);
    CHECK(events[0].second.find("\"delta\":false") != std::string::npos);

    // A change after silence comes at once.
    world.clock.run_for(1s);
    auto const before = world.clock.now();
    world.board.link("connected", "");
    world.clock.settle();
    REQUIRE(events.size() == 2);
    CHECK(events[1].first == before);
    CHECK(events[1].second.find("\"delta\":true") != std::string::npos);
    CHECK(events[1].second.find("instruments") == std::string::npos);

    // 10,000 changes in a second are four pushes, the last of which has the last state.
    for (std::uint64_t n = 1; n <= 10'000; ++n) {
        world.board.pubacked(n);
        if (n % 10 == 0) world.clock.run_for(1ms);
    }
    world.clock.run_for(event_gap);
    CHECK(events.size() <= 2 + 5);
    CHECK(events.back().second.find("\"pubacked\":10000") != std::string::npos);

    // Silence: beats.
    auto const quiet = events.size();
    world.clock.run_for(60s);
    CHECK(events.size() - quiet <= 60s / event_beat + 1);
    CHECK(events.size() - quiet >= 60s / event_beat - 1);
    CHECK(events.back().second == "event: beat\ndata: {}\n\n");
    for (std::size_t i = quiet; i + 1 < events.size(); ++i) CHECK(events[i + 1].first - events[i].first < 5s);
}

TEST_CASE("once the last page is closed nothing sleeps on its behalf") {
    World world;
    {
        auto const stream = world.ask("GET", "/api/events").stream;
        auto const twice = [&]() -> Task<void> {
            co_await stream->next();
            co_await stream->next();
        };
        world.clock.finish(twice());
    }
    world.clock.run_for(event_beat);
    CHECK(world.clock.sleepers() == 0);
    world.board.link("connected", "");
    world.clock.settle();
    CHECK(world.clock.sleepers() == 0);
}

TEST_CASE("an adapter is asked through its gateway; one that is silent, or is not there, is said") {
    World world;
    CHECK(world.ask("GET", "/api/instruments/reader/adapter").body == R"({"firmware":"0.1.0"})");
    CHECK(world.ask("GET", "/api/instruments/silent/adapter").status == 503);
    CHECK(world.ask("GET", "/api/instruments/other/adapter").status == 409);
    CHECK(world.ask("POST", "/api/instruments/reader/adapter").status == 405);
}
