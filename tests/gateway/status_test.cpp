#include "gateway/status.hpp"

#include <catch2/catch.hpp>

#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {

struct World {
    boost::asio::io_context loop;
    sim::VirtualClock clock{loop};
    StatusBoard board{clock, "lyon", "gw-1"};

    json::object instrument() const { return board.json().at("instruments").as_array().at(0).as_object(); }
    json::object run() const { return board.json().at("runs").as_array().at(0).as_object(); }
};

OutboxPosition position(std::uint64_t appended, std::uint64_t acknowledged) {
    OutboxPosition out;
    out.appended = appended;
    out.acknowledged = acknowledged;
    return out;
}

}  // namespace

TEST_CASE("before first contact an instrument has no age, and no value is written in its place (field 51)") {
    World world;
    world.board.instrument("reader").title = "Reader";
    CHECK_FALSE(world.instrument().contains("last_heard_age_s"));
    CHECK_FALSE(world.instrument().at("stale").as_bool());
    world.board.run("r1").instrument = "reader";
    for (char const* const absent : {"count", "flagged", "first", "last", "min", "max", "events", "answer", "started", "elapsed_s"}) {
        INFO(absent);
        CHECK_FALSE(world.run().contains(absent));
    }
    auto const whole = world.board.json();
    CHECK_FALSE(whole.at("disk").as_object().contains("room_hours"));
    CHECK_FALSE(whole.at("backlog").as_object().contains("oldest_age_s"));
    CHECK_FALSE(whole.at("link").as_object().contains("last_ack_age_s"));
    CHECK(world.board.metrics().find("heard_age_seconds{") == std::string::npos);
}

TEST_CASE("what an instrument said grows old by itself and past its due time it is stale (field 50, 47)") {
    World world;
    world.board.instrument("reader").due = 30s;
    world.board.heard("reader");
    world.clock.run_for(29'900ms);
    CHECK(world.instrument().at("last_heard_age_s").as_double() == Approx(29.9));
    CHECK_FALSE(world.instrument().at("stale").as_bool());
    world.clock.run_for(200ms);
    CHECK(world.instrument().at("last_heard_age_s").as_double() == Approx(30.1));
    CHECK(world.instrument().at("stale").as_bool());
    world.board.heard("reader");
    CHECK_FALSE(world.instrument().at("stale").as_bool());
}

TEST_CASE("a wall clock that steps changes no age (field 52)") {
    World world;
    world.board.instrument("reader").due = 30s;
    world.board.heard("reader");
    world.clock.step_utc(-14 * 24h);
    world.clock.run_for(10s);
    CHECK(world.instrument().at("last_heard_age_s").as_double() == Approx(10.0));
    auto waiting = position(1, 0);
    waiting.oldest_ms = world.clock.utc().time_since_epoch().count() + 3'600'000;  // stamped an hour ahead of what the clock says now
    world.board.position(waiting);
    CHECK(world.board.json().at("backlog").as_object().at("oldest_age_s").as_double() == Approx(0.0));
    world.clock.run_for(5s);
    CHECK(world.board.json().at("backlog").as_object().at("oldest_age_s").as_double() == Approx(5.0));
}

TEST_CASE("a run's way is stamped when its last record has passed, and not before") {
    World world;
    world.board.position(position(10, 4));
    world.board.committed("r1", 10);
    CHECK(world.run().at("state").as_string() == "committed");
    CHECK_FALSE(world.run().at("path").as_object().contains("broker"));
    world.board.pubacked(9);
    CHECK_FALSE(world.run().at("path").as_object().contains("broker"));
    world.clock.run_for(2s);
    world.board.pubacked(10);
    CHECK(world.run().at("path").as_object().at("broker").as_string() == rfc3339(world.clock.utc()));
    world.clock.run_for(2s);
    world.board.position(position(12, 10));
    CHECK(world.run().at("path").as_object().at("centre").as_string() == rfc3339(world.clock.utc()));
    CHECK(world.run().at("state").as_string() == "acknowledged");
    world.board.committed("r1", 13, RunState::aborted);
    CHECK_FALSE(world.run().at("path").as_object().contains("centre"));
    world.board.position(position(13, 13));
    CHECK(world.run().at("state").as_string() == "aborted");
    CHECK(world.run().at("path").as_object().contains("centre"));
}

TEST_CASE("a run begins when its start is on record, and its time runs until it has ended") {
    World world;
    world.board.committed("r1", 1, RunState::started);
    std::string const began = rfc3339(world.clock.utc());
    world.clock.run_for(75s);
    world.board.committed("r1", 2, RunState::measuring);
    CHECK(world.run().at("started").as_string() == began);
    CHECK(world.run().at("elapsed_s").as_double() == Approx(75.0));
    world.board.committed("r1", 3);
    CHECK_FALSE(world.run().contains("elapsed_s"));
}

TEST_CASE("a centre's answer is kept for a run that is shown, and makes no run") {
    World world;
    world.board.answer("unknown", "complete", "counted", "");
    CHECK(world.board.json().at("runs").as_array().empty());
    world.board.committed("r1", 1);
    world.board.answer("r1", "complete", "revision", "other values under the same key");
    CHECK(world.run().at("answer").as_object().at("verdict").as_string() == "revision");
    // A later answer that says nothing of the plate leaves what was said.
    world.board.plate_quality("unknown", "pass", "");
    world.board.plate_quality("r1", "fail", "Z' -0.2");
    world.board.answer("r1", "complete", "counted", "");
    CHECK(json::serialize(world.run().at("plate_quality")) == R"({"verdict":"fail","reason":"Z' -0.2"})");
}

TEST_CASE("one alarm when a condition begins and one when it ends, however often it is raised (field 24)") {
    World world;
    Alarm alarm;
    alarm.id = "link.refused";
    alarm.what = "The broker cannot be reached.";
    std::size_t begun = 0, ended = 0;
    for (int i = 0; i < 10'000; ++i) begun += world.board.raise(alarm);
    auto const since = std::string(world.board.json().at("alarms").as_array().at(0).as_object().at("since").as_string());
    world.clock.run_for(60s);
    alarm.what = "The broker still cannot be reached.";
    begun += world.board.raise(alarm);
    auto const raised = world.board.json().at("alarms").as_array().at(0).as_object();
    CHECK(raised.at("since").as_string() == since);
    CHECK(raised.at("what").as_string() == alarm.what);
    for (int i = 0; i < 3; ++i) ended += world.board.clear("link.refused");
    CHECK(begun == 1);
    CHECK(ended == 1);
    CHECK(world.board.json().at("alarms").as_array().empty());
}

TEST_CASE("at its limit the alarm list says that there are more (field 23)") {
    World world;
    auto const raise = [&](std::size_t n) {
        Alarm alarm;
        alarm.id = "file.not_taken";
        alarm.subject = std::to_string(n);
        return world.board.raise(alarm);
    };
    for (std::size_t n = 0; n < alarms_max - 1; ++n) REQUIRE(raise(n));
    CHECK(world.board.json().at("alarms").as_array().size() == alarms_max - 1);
    raise(alarms_max);
    raise(alarms_max + 1);
    auto const listed = world.board.json().at("alarms").as_array();
    CHECK(listed.size() == alarms_max);
    CHECK(listed.back().as_object().at("id").as_string() == "alarms.more");
    world.board.clear("file.not_taken", "0");
    CHECK(world.board.json().at("alarms").as_array().back().as_object().at("id").as_string() == "alarms.more");
    world.board.clear("file.not_taken", "1");
    CHECK(world.board.json().at("alarms").as_array().back().as_object().at("id").as_string() == "file.not_taken");
    CHECK(raise(0));
}

TEST_CASE("the board keeps today's runs up to its limit and fifty of older days, and never drops one in progress (field 23)") {
    World world;
    world.board.run("measuring").state = RunState::measuring;
    for (std::size_t n = 0; n < runs_kept_max + 20; ++n) world.board.committed("run-" + std::to_string(n), n + 1);
    CHECK(world.board.json().at("runs").as_array().size() == runs_kept_max);
    CHECK(world.board.find_run("measuring") != nullptr);
    CHECK(world.board.find_run("run-0") == nullptr);
    CHECK(world.board.json().at("runs").as_array().front().as_object().at("run").as_string() ==
          "run-" + std::to_string(runs_kept_max + 19));
    world.clock.run_for(24h);
    world.board.committed("tomorrow", 1'000);
    CHECK(world.board.json().at("runs").as_array().size() == runs_shown_min + 1);
    CHECK(world.board.find_run("measuring") != nullptr);
}

TEST_CASE("a full board and a run that is already shown take none from before a start") {
    World world;
    world.board.committed("run-0", 1);
    KeptRun kept;
    kept.card.run = "run-0";
    kept.card.plate = "P-001";
    kept.card.noted = rfc3339(world.clock.utc());
    world.board.restore(kept);
    CHECK(world.board.json().at("runs").as_array().size() == 1);
    CHECK(world.board.find_run("run-0")->plate.empty());
    for (std::size_t n = 1; n < runs_kept_max; ++n) world.board.committed("run-" + std::to_string(n), n + 1);
    kept.card.run = "older";
    world.board.restore(kept);
    CHECK(world.board.json().at("runs").as_array().size() == runs_kept_max);
    CHECK(world.board.find_run("older") == nullptr);
}

TEST_CASE("after a change number come only the members that changed and the runs that did") {
    World world;
    world.board.run("r1").instrument = "reader";
    world.board.run("r2").instrument = "reader";
    auto const seen = world.board.change();
    CHECK_FALSE(world.board.json(seen).contains("runs"));
    CHECK_FALSE(world.board.json(seen).contains("link"));
    world.board.run("r1").plate = "P-7";
    auto const after = world.board.json(seen);
    CHECK(after.at("delta").as_bool());
    REQUIRE(after.at("runs").as_array().size() == 1);
    CHECK(after.at("runs").as_array().at(0).as_object().at("plate").as_string() == "P-7");
    CHECK_FALSE(after.contains("instruments"));
}

TEST_CASE("a watcher is called once, inside the next change") {
    World world;
    int calls = 0;
    world.board.watch_once([&] { ++calls; });
    world.board.link("connected", "");
    world.board.link("connected", "");  // no change
    world.board.link("stalled", "");
    CHECK(calls == 1);
}

TEST_CASE("a missing link is no reason to be unready, a full disk is (field 13)") {
    World world;
    CHECK(world.board.why_not_ready().size() == 1);
    world.board.stream("0e6b3ad2-0000-4000-8000-000000000000");
    world.board.link("refused", "no route to host");
    CHECK(world.board.why_not_ready().empty());
    DiskView disk;
    disk.state = DiskState::full;
    world.board.disk(disk);
    CHECK(world.board.why_not_ready().size() == 1);
}

TEST_CASE("metrics count the backlog, the link and the certificate's days (field 57)") {
    World world;
    auto waiting = position(150, 100);
    waiting.backlog_bytes = 4096;
    waiting.oldest_ms = (world.clock.utc() - 90s).time_since_epoch().count();
    world.board.position(waiting);
    world.board.link("connected", "");
    world.board.certificate_ends(world.clock.utc() + 24h * 7 + 1h);
    std::string const text = world.board.metrics();
    for (char const* const line :
         {"\nmarrowlink_outbox_records 50\n", "\nmarrowlink_outbox_bytes 4096\n", "\nmarrowlink_outbox_oldest_age_seconds 90\n",
          "\nmarrowlink_link_up 1\n", "\nmarrowlink_certificate_days 7\n", "\nmarrowlink_appended_total 150\n"}) {
        INFO(text);
        CHECK(text.find(line) != std::string::npos);
    }
}

TEST_CASE("a plate is drawn on the smallest usual plate, look by look; a word keeps its well and has no value") {
    auto const reading = [](char const* well, char const* time_s, char const* value, char const* flag) {
        return Reading{"P-1", "OD", well, time_s, "600", "", value, "OD", flag};
    };
    Plate const plate = plate_of(
        {reading("A1", "0", "0.10", ""), reading("H12", "0", "", "OVRFLW"), reading("A1", "60", "0.20", ""), reading("??", "60", "1", "")});
    CHECK(plate.rows == 8);
    CHECK(plate.columns == 12);
    REQUIRE(plate.frames.size() == 2);
    auto const first = plate_json(plate, 0);
    REQUIRE(first.at("wells").as_array().size() == 2);
    CHECK(first.at("wells").as_array().at(1).as_object().at("flag").as_string() == "OVRFLW");
    CHECK_FALSE(first.at("wells").as_array().at(1).as_object().contains("value"));
    auto const last = plate_json(plate, 99);
    CHECK(last.at("frame").to_number<int>() == 1);
    CHECK(last.at("time_s").as_string() == "60");
    CHECK(plate_of({reading("P24", "0", "1", "")}).rows == 16);
    CHECK(plate_of({reading("AF48", "0", "1", "")}).columns == 48);
    CHECK(plate_of({}).rows == 0);
}

TEST_CASE("readings leave as CSV in the order of the read command, with what needs quotes quoted") {
    std::string const csv = readings_csv("a,b.txt", {Reading{"P \"1\"", "OD", "A1", "0", "600", "485", "0.10", "OD", ""}});
    CHECK(csv ==
          "file,plate,read,well,time_s,wavelength_nm,excitation_nm,value,unit,flag\r\n\"a,b.txt\",\"P "
          "\"\"1\"\"\",OD,A1,0,600,485,0.10,OD,\r\n");
}

TEST_CASE("files that stand as they stood are no news to whoever watches the page") {
    World world;
    std::vector<FileNotice> const files{{"plate 7.txt", FileStanding::incomplete, "It has no end yet.", world.clock.now()}};
    world.board.files("exports", files);
    auto const change = world.board.change();
    world.board.files("exports", files);
    CHECK(world.board.change() == change);
    world.board.files("exports", {});
    CHECK(world.board.change() > change);
    CHECK(world.board.json().at("files").as_array().empty());
}
