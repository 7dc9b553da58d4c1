// What the page shows of runs that were durable before the gateway was started.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway_world.hpp"

using namespace marrowlink;
using namespace marrowlink::gateway_world;
using namespace std::chrono_literals;

namespace {
RunIdentity identity(std::string const& run) { return {"reader", "spectramax", run, "key of " + run}; }

std::vector<Reading> readings() {
    std::vector<Reading> out(3);
    char const* const wells[] = {"A1", "A2", "A3"};
    char const* const values[] = {"0.5", "0.25", "1.75"};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = {"", "OD", wells[i], "", "600", "", values[i], "OD", i == 1 ? "#LOW" : ""};
    return out;
}

struct Desk : World {
    // In its own transaction, as each of them is.
    void keep(std::vector<Draft> drafts, std::optional<TakenFile> taken = {}) {
        auto const store = open_store(folder.path());
        Append append;
        append.drafts = std::move(drafts);
        append.taken = std::move(taken);
        now_ms += 60'000;
        REQUIRE(store->append({append}, {rfc3339(Clock::Utc{std::chrono::milliseconds{now_ms}}), "boot", 1, true}, now_ms, 0));
    }
    void measure(std::string const& run, std::string const& plate) {
        auto const all = readings();
        keep({run_started(identity(run), plate, "page", {})});
        RunManifest manifest;
        manifest.plate = plate;
        manifest.arrived = "2026-11-25T02:31:30.000Z";
        manifest.readings = &all;
        auto drafts = run_readings(identity(run), all);
        manifest.blocks = drafts.size();
        drafts.push_back(run_finished(identity(run), manifest));
        keep(std::move(drafts));
    }
    void acknowledge(std::uint64_t through) { REQUIRE(open_store(folder.path())->confirm(through)); }
    void start_and_look() {
        clock.step_utc(Clock::Utc{std::chrono::milliseconds{now_ms + 60'000}} - clock.utc());
        broker.refuse = true;
        World::start();
        clock.run_for(1s);
    }
    json::array runs() { return gateway->board().json().at("runs").as_array(); }
    json::object run(std::string_view id) {
        for (json::value const& run : runs())
            if (run.as_object().at("run").as_string() == id) return run.as_object();
        FAIL("the page does not show run " << id);
        return {};
    }
    std::string at(std::int64_t minutes) { return rfc3339(Clock::Utc{std::chrono::milliseconds{some_day_ms + minutes * 60'000}}); }

    std::int64_t now_ms = some_day_ms;
};

std::string text(json::object const& from, std::string_view name) { return std::string{json::string_of(from, name)}; }
}  // namespace

TEST_CASE("after a restart the page shows the runs before it, under their corrected names") {
    Desk desk;
    desk.measure("run-1", "P-001");
    desk.keep({run_labelled(identity("run-1"), "P-002", "M. Curie", "wrong plate", "1")});
    desk.measure("run-2", "P-003");
    desk.start_and_look();
    REQUIRE(desk.runs().size() == 2);
    CHECK(text(desk.runs()[0].as_object(), "run") == "run-2");
    json::object const run = desk.run("run-1");
    CHECK(text(run, "instrument") == "reader");
    CHECK(text(run, "plate") == "P-002");
    CHECK(text(run, "state") == "committed");
    CHECK(text(run, "noted") == desk.at(1));
    CHECK(text(run, "started") == desk.at(1));
    CHECK(text(run, "finished") == "2026-11-25T02:31:30.000Z");
    CHECK(json::integer_of(run, "count") == 3);
    CHECK(json::integer_of(run, "flagged") == 1);
    CHECK(text(run, "min") == "0.25");
    CHECK(text(run, "max") == "1.75");
    CHECK(text(run, "unit") == "OD");
    CHECK(text(run.at("first").as_object(), "well") == "A1");
    CHECK(text(run.at("last").as_object(), "well") == "A3");
    json::object const path = run.at("path").as_object();
    CHECK(text(path, "reached") == "gateway");
    CHECK(text(path, "gateway") == desk.at(2));
    CHECK_FALSE(path.contains("broker"));
    CHECK_FALSE(path.contains("centre"));
    desk.gateway.reset();
}

TEST_CASE("what was acknowledged before a restart is shown as acknowledged, without an invented time (field 51)") {
    Desk desk;
    desk.measure("run-1", "P-001");
    desk.measure("run-2", "P-002");
    desk.acknowledge(3);  // run-1's records
    desk.start_and_look();
    json::object const before = desk.run("run-1");
    CHECK(text(before, "state") == "acknowledged");
    CHECK(text(before.at("path").as_object(), "reached") == "centre");
    CHECK_FALSE(before.at("path").as_object().contains("broker"));
    CHECK_FALSE(before.at("path").as_object().contains("centre"));
    CHECK(text(desk.run("run-2"), "state") == "committed");

    desk.broker.refuse = false;
    desk.broker.held[stream_a] = {3, desk.chain_at(3), 0, 0};
    REQUIRE(desk.clock.run_until_true([&] { return text(desk.run("run-2"), "state") == "acknowledged"; }, 2min));
    json::object const path = desk.run("run-2").at("path").as_object();
    CHECK(text(path, "reached") == "centre");
    CHECK(path.contains("broker"));
    CHECK(path.contains("centre"));
    CHECK_FALSE(desk.run("run-1").at("path").as_object().contains("centre"));
    desk.gateway.reset();
}

TEST_CASE("a run that a restart finds open goes on from when it was begun; an aborted one keeps its reason") {
    Desk desk;
    desk.keep({run_started(identity("run-1"), "P-001", "page", {})});
    desk.keep({run_aborted(identity("run-1"), "The lid was open.")});
    desk.keep({run_started(identity("run-2"), "P-002", "page", {})});
    desk.start_and_look();
    CHECK(text(desk.run("run-1"), "state") == "aborted");
    CHECK(text(desk.run("run-1"), "reason") == "The lid was open.");
    CHECK(text(desk.run("run-2"), "state") == "started");
    CHECK(desk.run("run-2").at("elapsed_s").as_double() == Approx(61.0));
    desk.gateway.reset();
}

TEST_CASE("a label given while a run was measured outlasts the name that it was begun with") {
    Desk desk;
    desk.keep({run_started(identity("run-1"), "P-001", "page", {})});
    desk.keep({run_labelled(identity("run-1"), "P-002", "M. Curie", "wrong plate", "1")});
    desk.measure("run-1", "P-001");
    desk.start_and_look();
    CHECK(text(desk.run("run-1"), "plate") == "P-002");
    desk.gateway.reset();
}

TEST_CASE("a run of an export file is shown under the file's name again") {
    Desk desk;
    RunManifest manifest;
    manifest.files.push_back({"export", "fcs", "aa", "bb", 1, 0});
    manifest.datasets.push_back(json::object{{"events", 1234}});
    desk.keep({run_started(identity("run-1"), "", "export folder", {}), run_finished(identity("run-1"), manifest)},
              TakenFile{"reader", "bb", "run-1", "tube 7.fcs"});
    desk.start_and_look();
    json::object const run = desk.run("run-1");
    CHECK(text(run, "title") == "tube 7.fcs");
    CHECK(run.at("files").as_array().at(0).as_string() == "tube 7.fcs");
    CHECK(json::integer_of(run, "events") == 1234);
    CHECK_FALSE(run.contains("count"));
    desk.gateway.reset();
}

TEST_CASE("a run from before a restart can be read and labelled") {
    Desk desk;
    desk.measure("run-1", "P-001");
    desk.start_and_look();
    bool done = false;
    boost::asio::co_spawn(
        desk.loop,
        [&]() -> Task<void> {
            auto const got = co_await desk.gateway->readings("run-1");
            CHECK((got && *got == readings()));
            auto const labelled = co_await desk.gateway->label("run-1", "P-002", "M. Curie", "wrong plate");
            CHECK(labelled);
            done = true;
        },
        boost::asio::detached);
    REQUIRE(desk.clock.run_until_true([&] { return done; }, 10s));
    CHECK(text(desk.run("run-1"), "plate") == "P-002");
    desk.gateway.reset();
}

TEST_CASE("the page has room for the last runs only, and messages are none") {
    Desk desk;
    std::size_t const many = runs_kept_max + 5;
    for (std::size_t n = 0; n < many; ++n) {
        desk.now_ms -= 60'000;  // all of one day
        desk.keep({run_started(identity(fmt::format("run-{}", n)), "", "page", {}), run_aborted(identity(fmt::format("run-{}", n)), "no")});
    }
    desk.keep({message(1)});
    desk.start_and_look();
    auto const runs = desk.runs();
    REQUIRE(runs.size() == runs_kept_max);
    CHECK(text(runs.front().as_object(), "run") == fmt::format("run-{}", many - 1));
    desk.gateway.reset();
}

TEST_CASE("runs of earlier days are shown as far as they would be without a restart") {
    Desk desk;
    for (std::size_t n = 0; n < runs_shown_min + 5; ++n)
        desk.keep({run_started(identity(fmt::format("run-{}", n)), "", "page", {}), run_aborted(identity(fmt::format("run-{}", n)), "no")});
    desk.now_ms += 24 * 3'600'000;
    desk.keep({run_labelled(identity("run-1"), "P-001", "M. Curie", "late", "1")});
    desk.start_and_look();
    auto const runs = desk.runs();
    REQUIRE(runs.size() == runs_shown_min);
    CHECK(text(runs.front().as_object(), "run") == fmt::format("run-{}", runs_shown_min + 4));
    desk.gateway.reset();
}
