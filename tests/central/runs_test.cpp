#include <catch2/catch.hpp>

#include "central/intake.hpp"
#include "sender.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink {
using central::Intake;
using central::Taken;
using namespace test;

namespace {
class World {
 public:
    World() {
        auto opened = Intake::open(folder_ / "central.db");
        if (!opened) FAIL(opened.error().message);
        intake = std::move(*opened);
    }
    Taken take(std::vector<Message> messages, std::int64_t now_ms = 1'000'000) {
        intake->add(std::move(messages));
        auto taken = intake->commit(now_ms);
        if (!taken) FAIL(taken.error().message);
        return std::move(*taken);
    }
    std::string ask(std::string const& sql) {
        auto statement = intake->database().prepare(sql);
        if (!statement) FAIL(statement.error().message);
        std::string out;
        while (statement->step().value()) out += (out.empty() ? "" : " ") + std::string{statement->text(0)};
        return out;
    }
    std::string states() { return ask("SELECT state || '/' || revision FROM run ORDER BY id"); }
    // The tally is kept beside the runs; it has to say the same as counting them.
    bool tally_holds() {
        return ask("SELECT source || state || (message IS NOT NULL) || (revision > 0) || '=' || count(*) AS x FROM run GROUP BY source, "
                   "state, "
                   "message IS NOT NULL, revision > 0 ORDER BY x") ==
               ask("SELECT source || state || message || revised || '=' || runs AS x FROM tally WHERE runs <> 0 ORDER BY x");
    }
    std::unique_ptr<Intake> intake;

 private:
    sim::TemporaryFolder folder_;
};
}  // namespace

TEST_CASE("a run is complete when every block and every byte of its files is there as the manifest says") {
    World world;
    Sender sender{stream_a};
    std::string const bytes(200'000, 'f');
    std::vector<Draft> const drafts = plate_run(identity("key-1"), bytes, 2000);
    REQUIRE(drafts.size() == 6);
    std::vector<Message> messages = sender.send(drafts);
    Message const last = messages.back();
    messages.pop_back();
    Taken const before = world.take(std::move(messages));
    CHECK(world.states() == "open/0");
    CHECK(before.answers.empty());
    Taken const after = world.take({last});
    CHECK(world.states() == "complete/0");
    CHECK(world.ask("SELECT plate FROM run") == "PLATE-7");
    REQUIRE(after.answers.size() == 1);
    CHECK(after.answers[0].json() ==
          fmt::format(R"({{"run":"{}","instrument":"reader-1","sourcekey":"key-1","state":"complete","verdict":"counted","reason":""}})",
                      identity("key-1").run));
    CHECK(world.tally_holds());
}

TEST_CASE("a manifest that names more than is there leaves the run incomplete, by name, until the rest comes") {
    World world;
    Sender sender{stream_a};
    std::string const bytes(100'000, 'f');
    std::vector<Draft> drafts = plate_run(identity("key-1"), bytes, 8);
    SECTION("a missing chunk") {
        Draft const chunk = drafts[2];
        drafts.erase(drafts.begin() + 2);
        world.take(sender.send(drafts));
        CHECK(world.states() == "incomplete/0");
        CHECK(world.ask("SELECT reason FROM run").starts_with("65536 of 100000 bytes of the file"));
        world.take({sender.send(chunk)});
    }
    SECTION("a missing block") {
        Draft const block = drafts[0];
        drafts.erase(drafts.begin());
        world.take(sender.send(drafts));
        CHECK(world.ask("SELECT reason FROM run") == "0 blocks of readings are here, the manifest names 1.");
        world.take({sender.send(block)});
    }
    CHECK(world.states() == "complete/0");
    CHECK(world.ask("SELECT reason FROM run").empty());
    CHECK(world.tally_holds());
}

TEST_CASE("bytes that are not those of the manifest's SHA-256 never make a complete run") {
    World world;
    Sender sender{stream_a};
    std::vector<Draft> drafts = plate_run(identity("key-1"), "the original bytes", 8);
    drafts[1].data[0] = 'T';
    world.take(sender.send(drafts));
    CHECK(world.states() == "incomplete/0");
    CHECK(world.ask("SELECT reason FROM run").find("have the SHA-256 " + hex(sha256("The original bytes"))) != std::string::npos);
}

TEST_CASE("an unreadable run keeps its bytes and says why") {
    World world;
    Sender sender{stream_a};
    RunIdentity const id = identity("key-1");
    std::string const sha = hex(sha256("???"));
    RunManifest manifest;
    manifest.state = "unreadable";
    manifest.reason = "No parser knows this file.";
    manifest.files = {{"export", "unknown", sha, sha, 3, 0}};
    std::vector<Draft> drafts = run_file(id, "???", sha);
    drafts.push_back(run_finished(id, manifest));
    Taken const taken = world.take(sender.send(drafts));
    CHECK(world.states() == "unreadable/0");
    CHECK(taken.answers.at(0).verdict == "not counted");
    CHECK(taken.answers.at(0).reason == "No parser knows this file.");
}

TEST_CASE("the same run through another stream is counted once; the same key with other bytes is a revision that is listed") {
    World world;
    Sender first{stream_a};
    Sender second{stream_b, "lyon", "bench-2"};
    world.take(first.send(plate_run(identity("key-1"), "bytes", 8)));
    world.take(second.send(plate_run(identity("key-1"), "bytes", 8)));
    CHECK(world.states() == "complete/0");

    RunIdentity revised = identity("key-1");
    revised.run = run_id_of("reader-1", "key-1", hex(sha256("other bytes")));
    Taken const taken = world.take(second.send(plate_run(revised, "other bytes", 8)));
    CHECK(world.states() == "complete/0 complete/1");
    CHECK(taken.answers.at(0).verdict == "revision");

    // Even under the same run id other bytes do not vanish.
    Sender third{"cccccccc-0000-4000-8000-000000000003"};
    world.take(third.send(plate_run(identity("key-1"), "third bytes", 9)));
    CHECK(world.ask("SELECT count(*) FROM run") == "3");
    CHECK(world.ask("SELECT state FROM run WHERE revision=0") == "complete");

    // Another site's instrument of the same name is another instrument.
    Sender elsewhere{"dddddddd-0000-4000-8000-000000000004", "paris"};
    world.take(elsewhere.send(plate_run(identity("key-1"), "bytes", 8)));
    CHECK(world.ask("SELECT sum(runs) FROM tally WHERE revised=0 AND state='complete'") == "2");
    CHECK(world.tally_holds());
}

TEST_CASE("a message is a whole run: repeated under its key it is counted once, with another text it is a revision") {
    World world;
    Sender first{stream_a};
    Sender second{stream_b};
    Taken const taken = world.take(first.send(std::vector<Draft>{line_message("k1", "one"), line_message("k2", "two")}));
    CHECK(taken.answers.empty());
    RunIdentity const other_run{"line-1", "line", "another-run-id", "k2"};
    Taken const again = world.take(second.send(std::vector<Draft>{line_message("k1", "ONE"), run_message(other_run, "two")}));
    CHECK(world.states() == "complete/0 complete/0 complete/1");
    REQUIRE(again.answers.size() == 1);
    CHECK(again.answers[0].verdict == "revision");
    CHECK(world.tally_holds());
}

TEST_CASE("a run is open, then aborted with its reason; bytes that come after all complete it") {
    World world;
    Sender sender{stream_a};
    RunIdentity const id = identity("key-1");
    world.take({sender.send(run_started(id, "P1", "page", {}))});
    CHECK(world.states() == "open/0");
    CHECK(world.ask("SELECT plate FROM run") == "P1");
    Taken const aborted = world.take({sender.send(run_aborted(id, "The reader was switched off."))});
    CHECK(world.states() == "aborted/0");
    CHECK(aborted.answers.at(0).reason == "The reader was switched off.");
    world.take(sender.send(plate_run(id, "bytes", 8, "")));
    CHECK(world.states() == "complete/0");
    CHECK(world.ask("SELECT plate FROM run") == "P1");
    world.take({sender.send(run_aborted(id, "late"))});
    CHECK(world.states() == "complete/0");
    CHECK(world.tally_holds());
}

TEST_CASE("a label corrects the plate, keeps its history and outlives the manifest") {
    World world;
    Sender sender{stream_a};
    RunIdentity const id = identity("key-1");
    world.take(
        {sender.send(run_started(id, "WRONG", "page", {})), sender.send(run_labelled(id, "P2", "Ada", "typed the wrong plate", "1"))});
    world.take(sender.send(plate_run(id, "bytes", 8, "WRONG")));
    CHECK(world.ask("SELECT plate FROM run") == "P2");
    world.take({sender.send(run_labelled(id, "P3", "Ada", "no, this one", "2"))});
    CHECK(world.ask("SELECT plate FROM run") == "P3");
    CHECK(world.ask("SELECT plate || ':' || who || ':' || why FROM label ORDER BY id") ==
          "P2:Ada:typed the wrong plate P3:Ada:no, this one");
    CHECK(world.states() == "complete/0");
}

TEST_CASE("the answers of the last seven days are repeated at a birth, oldest first, those of messages excepted") {
    World world;
    Sender sender{stream_a};
    std::int64_t const day = 24 * 3'600'000;
    for (int i = 0; i < 10; ++i)
        world.take(sender.send(plate_run(identity(fmt::format("key-{}", i)), fmt::format("bytes {}", i), 2)), i * day);
    world.take(sender.send(std::vector<Draft>{line_message("k1", "one")}), 9 * day);
    Taken const taken = world.take({sender.birth()}, 10 * day);
    REQUIRE(taken.answers.size() == 7);
    CHECK(taken.answers.front().sourcekey == "key-3");
    CHECK(taken.answers.back().sourcekey == "key-9");
    Sender elsewhere{stream_b, "lyon", "bench-2"};
    CHECK(world.take({elsewhere.birth()}, 10 * day).answers.empty());
}

}  // namespace marrowlink
