#include "central/api.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "central/annotations.hpp"
#include "central/listing.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "no_broker.hpp"
#include "sender.hpp"
#include "tests/central/screen.hpp"
#include "tests/sim/temporary_folder.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
class World {
 public:
    World() {
        log::set_sink([](log::Level, std::string_view) {});
        auto opened = Intake::open(folder / "central.db");
        if (!opened) FAIL(opened.error().message);
        intake = std::move(*opened);
        ingest = std::make_unique<Ingest>(uplink, loop.get_executor(), loop.get_executor(), clock, *intake);
        api = std::make_unique<Api>(loop.get_executor(), loop.get_executor(), clock, *ingest, intake->database());
    }
    ~World() { log::set_sink(nullptr); }
    HttpResponse get(std::string path, std::map<std::string, std::string, std::less<>> query = {}, std::string method = "GET") {
        HttpRequest request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.query = std::move(query);
        auto handler = api->handler();
        return clock.finish(handler(request));
    }
    json::object runs(std::map<std::string, std::string, std::less<>> query = {}) {
        HttpResponse const response = get("/api/runs", std::move(query));
        REQUIRE(response.status == 200);
        auto parsed = json::parse(response.body, "answer");
        REQUIRE(parsed);
        return parsed->get_object();
    }
    void deliver(std::vector<Message> messages) {
        ingest->on_messages(std::move(messages));
        clock.settle();
    }

    sim::TemporaryFolder folder;
    boost::asio::io_context loop;
    sim::VirtualClock clock{loop};
    NoBroker uplink;
    std::unique_ptr<Intake> intake;
    std::unique_ptr<Ingest> ingest;
    std::unique_ptr<Api> api;
};
}  // namespace

TEST_CASE("runs are listed by site, latest first, with state, revision and the history of their plate") {
    World world;
    Sender lyon{stream_a};
    Sender paris{stream_b, "paris", "gw-2"};
    RunIdentity const id = identity("key-1");
    world.deliver(lyon.send(plate_run(id, "bytes", 8)));
    world.deliver({lyon.send(run_labelled(id, "P2", "Ada", "typed the wrong plate", "1"))});
    world.clock.run_for(std::chrono::seconds{1});
    RunIdentity other = identity("key-1");
    other.run = "another";
    world.deliver(lyon.send(plate_run(other, "other bytes", 8)));
    world.deliver({paris.send(line_message("k1", "x")), paris.send(run_started(identity("key-2"), "P9", "page", {}))});

    json::object const all = world.runs();
    auto const& runs = all.at("runs").as_array();
    REQUIRE(runs.size() == 3);
    CHECK(json::string_of(runs[2].as_object(), "plate") == "P2");
    CHECK(json::string_of(runs[2].as_object().at("labels").as_array().at(0).as_object(), "who") == "Ada");
    json::object const lyon_only = world.runs({{"site", "lyon"}});
    REQUIRE(lyon_only.at("runs").as_array().size() == 2);
    json::object const& latest = lyon_only.at("runs").as_array()[0].as_object();
    CHECK(json::integer_of(latest, "revision") == 1);
    CHECK(json::string_of(latest, "verdict") == "revision");
    CHECK(world.runs({{"limit", "1"}}).at("runs").as_array().size() == 1);
    json::object const paris_only = world.runs({{"site", "paris"}});
    CHECK(json::string_of(paris_only.at("runs").as_array().at(0).as_object(), "state") == "open");
    CHECK(paris_only.at("totals").as_array().size() == 2);
    CHECK(all.at("refused").as_int64() == 0);
    CHECK(all.at("streams").as_array().size() == 2);
    CHECK(world.runs({{"site", "' OR 1=1 --"}}).at("runs").as_array().empty());
}

TEST_CASE("an evaluated run and its subject are given as they were computed, and what is not there is said") {
    World world;
    Sender lyon{stream_a};
    REQUIRE(add_annotation(world.intake->database(), AnnotationKind::layout, "ALL-P1", screen_layout(), "l.csv", 1));
    REQUIRE(add_annotation(world.intake->database(), AnnotationKind::sample, "ALL-P1", screen_sample("ALL-0042", "diagnosis"), "s.csv", 1));
    world.deliver(lyon.send(screen_run(identity("k1"), "ALL-P1", {{"dasatinib", 1.0}, {"venetoclax", 2.5}})));
    json::object const listed = world.runs();
    json::object const& of_run = listed.at("runs").as_array().at(0).as_object().at("evaluation").as_object();
    CHECK(json::string_of(of_run, "verdict") == "pass");
    CHECK(json::string_of(listed.at("subjects").as_array().at(0).as_object(), "subject") == "ALL-0042");
    HttpResponse const evaluated = world.get("/api/evaluation", {{"run", std::to_string(json::integer_of(of_run, "id"))}});
    CHECK(evaluated.status == 200);
    CHECK(evaluated.body.find("\"state\":\"evaluated\"") != std::string::npos);
    CHECK(world.get("/api/subject", {{"id", "ALL-0042"}}).status == 200);
    CHECK(world.get("/api/evaluation", {{"run", "99"}}).status == 404);
    CHECK(world.get("/api/evaluation", {{"run", "x"}}).status == 400);
    CHECK(world.get("/api/evaluation").status == 400);
    CHECK(world.get("/api/subject", {{"id", "ALL-1"}}).status == 404);
    HttpResponse const report = world.get("/report.html", {{"id", "ALL-0042"}});
    CHECK(report.status == 200);
    CHECK(report.body.find("\"subject\":\"ALL-0042\"") != std::string::npos);
    CHECK(report.headers.back() == std::pair<std::string, std::string>{"Content-Disposition", "attachment; filename=\"ALL-0042.html\""});
    CHECK(world.get("/report.html", {{"id", "ALL-1"}}).status == 404);
    for (char const* const page :
         {"/plate.html", "/plate.js", "/subject.html", "/subject.js", "/cohort.html", "/cohort.js", "/page.js", "/api/cohort"})
        CHECK(world.get(page).status == 200);
}

TEST_CASE("refused records are named by stream, number and reason, the latest first and no more than the limit") {
    World world;
    Sender lyon{stream_a};
    Sender paris{stream_b, "paris", "gw-2"};
    CHECK(world.runs().at("refusals").as_array().empty());
    // Its type is quoted as far as 80 bytes, and the cut must not fall into a letter.
    std::string accents = "x";
    while (accents.size() < 200) accents += "\u00e9";
    world.deliver({lyon.send(plain("run." + accents, "{}"))});
    for (std::int64_t i = 1; i < refusals_listed_max; ++i) world.deliver({lyon.send(plain("run.exploded", "{}"))});
    world.deliver({lyon.send(line_message("good", "x"))});

    json::object listed = world.runs();
    REQUIRE(listed.at("refusals").as_array().size() == refusals_listed_max);
    json::object const& last = listed.at("refusals").as_array().front().as_object();
    CHECK(json::string_of(last, "site") == "lyon");
    CHECK(json::string_of(last, "gateway") == "bench-1");
    CHECK(json::string_of(last, "stream") == stream_a);
    CHECK(json::integer_of(last, "seq") == refusals_listed_max);
    CHECK(json::string_of(last, "type") == "run.exploded");
    CHECK(json::string_of(last, "time") == "2026-11-25T02:30:00.000Z");
    CHECK(json::string_of(last, "reason") == "Type run.exploded is not one that this centre (wire contract 1) knows.");
    json::object const& oldest = listed.at("refusals").as_array().back().as_object();
    CHECK(json::integer_of(oldest, "seq") == 1);
    CHECK(json::string_of(oldest, "reason").find("xé") != std::string_view::npos);
    CHECK(is_utf8(json::string_of(oldest, "reason")));
    CHECK(is_utf8(json::string_of(oldest, "type")));

    // One more than the limit leaves the list, and is counted all the same.
    world.deliver({paris.send(plain("run.exploded", "{}"))});
    listed = world.runs();
    CHECK(listed.at("refusals").as_array().size() == refusals_listed_max);
    CHECK(listed.at("refused").as_int64() == refusals_listed_max + 1);
    json::object const of_paris = world.runs({{"site", "paris"}});
    CHECK(of_paris.at("refused").as_int64() == 1);
    REQUIRE(of_paris.at("refusals").as_array().size() == 1);
    CHECK(json::string_of(of_paris.at("refusals").as_array()[0].as_object(), "stream") == stream_b);
    CHECK(world.runs({{"site", "' OR 1=1 --"}}).at("refusals").as_array().empty());
}

TEST_CASE("a limit that is no number, writing, and unknown addresses are answered with a sentence") {
    World world;
    for (char const* limit : {"0", "-1", "x", "99999999999999999999", ""}) CHECK(world.get("/api/runs", {{"limit", limit}}).status == 400);
    CHECK(world.get("/api/runs", {}, "POST").status == 405);
    CHECK(world.get("/nothing").status == 404);
    CHECK(world.get("/../central.db").status == 404);
}

TEST_CASE("the age of the last commit grows, and not being ready says why (field 50)") {
    World world;
    CHECK(world.get("/healthz").body == "ok\n");
    CHECK(world.get("/readyz").status == 503);
    world.ingest->on_connected({});
    world.clock.settle();
    CHECK(world.get("/readyz").status == 200);
    Sender sender{stream_a};
    world.deliver({sender.send(line_message("k", "x"))});
    world.clock.run_for(std::chrono::seconds{42});
    CHECK(world.runs().at("centre").as_object().at("latest_commit_age_s").as_double() == Approx(42));
    CHECK(world.get("/metrics").body.find("marrowlink_central_records_total{outcome=\"stored\"} 1\n") != std::string::npos);
    world.ingest->on_closed(LinkEnd::lost, "The broker has not answered.");
    HttpResponse const away = world.get("/readyz");
    CHECK(away.status == 503);
    CHECK(away.body.find("The broker is away: The broker has not answered.") != std::string::npos);
    CHECK(world.runs().at("centre").as_object().at("connected").as_bool() == false);
}

TEST_CASE("the page's files are there and name no outside address") {
    World world;
    for (char const* path : {"/", "/central.js", "/central.css", "/icon.svg"}) {
        HttpResponse const file = world.get(path);
        INFO(path);
        CHECK(file.status == 200);
        std::string text{file.fixed_body};
        // The SVG's namespace is a name, not an address that anyone asks.
        if (auto const at = text.find("http://www.w3.org/2000/svg"); at != std::string::npos) text.erase(at, 26);
        CHECK(text.find("http://") == std::string::npos);
        CHECK(text.find("https://") == std::string::npos);
        CHECK(text.find("//cdn") == std::string::npos);
    }
}

}  // namespace marrowlink
