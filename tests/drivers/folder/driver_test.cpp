#include "drivers/folder/driver.hpp"

#include <catch2/catch.hpp>

#include "core/log.hpp"
#include "tests/drivers/folder/folder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::sim;
using namespace std::chrono_literals;

namespace {
std::vector<std::string> logged;
void keep_line(log::Level, std::string_view line) { logged.emplace_back(line); }
struct LogKept {  // made after the world, which keeps the log quiet
    LogKept() {
        logged.clear();
        log::set_sink(keep_line);
    }
    ~LogKept() { log::set_sink(nullptr); }
    static std::size_t count(std::string_view event) {
        return static_cast<std::size_t>(
            std::count_if(logged.begin(), logged.end(), [&](std::string const& line) { return line.find(event) != line.npos; }));
    }
};
}  // namespace

TEST_CASE("half-written files wait (field 62)") {
    // Shorter than the writer's pauses, so that the file is looked at between any two blocks and its grammar alone protects it; and longer.
    auto const settle = GENERATE(400ms, 5000ms);
    FolderWorld world;
    LogKept const kept;
    world.options.settle = settle;
    world.options.poll = 200ms;
    world.folder->set_announces(false);
    world.start();
    std::string const whole = test_export("run-62", 1'000);
    REQUIRE(whole.size() > 10 * 1024);
    world.folder->write("plate.txt", "");
    world.run(10s);
    CHECK(world.standing("plate.txt") == "incomplete");
    for (std::size_t at = 0; at < whole.size(); at += 1024) {
        REQUIRE(world.outbox.records.empty());
        world.folder->append("plate.txt", whole.substr(at, 1024));
        world.run(1s);
    }
    world.run(incomplete_pause_max + settle + 1s);
    REQUIRE(world.outbox.of(type::run_finished).size() == 1);
    std::string const run = world.outbox.records.front().run;
    CHECK(world.outbox.original(run, hex(sha256(whole))) == whole);
    CHECK(world.outbox.finished(run).at("state").as_string() == "complete");
    CHECK(world.standing("plate.txt") == "taken");
    if (settle == 400ms) CHECK(world.folder->reads() > 2);  // it was looked at half-written
}

TEST_CASE("an incomplete file keeps its age while it grows, for the page's ten minutes") {
    FolderWorld world;
    world.options.settle = 1s;
    world.start();
    world.folder->write("slow.txt", "TEST EXPORT\n");
    world.run(5s);
    auto const since = world.file("slow.txt")->since;
    REQUIRE(world.standing("slow.txt") == "incomplete");
    CHECK(world.file("slow.txt")->reason == "The line END is missing.");
    for (int i = 0; i < 20; ++i) {
        world.folder->append("slow.txt", "A1 0.5\n");
        world.run(40s);
        REQUIRE(world.standing("slow.txt") == "incomplete");
    }
    CHECK(world.file("slow.txt")->since == since);
    CHECK(world.clock.now() - since > 10min);
}

TEST_CASE("a small file is one batch: run, bytes, readings and manifest in one transaction") {
    FolderWorld world;
    world.start();
    std::string const bytes = test_export("guid-1");
    world.folder->write("Martin, Jeanne.txt", bytes);
    world.run(10s);
    REQUIRE(world.outbox.batches == 1);
    std::vector<std::string> types;
    for (Draft const& draft : world.outbox.records) types.emplace_back(draft.type);
    CHECK(types == std::vector<std::string>{"run.started", "run.file", "run.readings", "run.finished"});
    std::string const sha = hex(sha256(bytes));
    for (Draft const& draft : world.outbox.records) {
        CHECK(draft.sourcekey == "guid-1");
        CHECK(draft.run == run_id_of("gen5-exports", "guid-1", sha));
    }
    auto const manifest = world.outbox.finished(world.outbox.records.front().run);
    CHECK(manifest.at("plate").as_string() == "PL-7");
    CHECK(manifest.at("blocks").as_int64() == 1);
    CHECK(manifest.at("readings").at("count").as_int64() == 3);
    auto const& file = manifest.at("files").at(0);
    CHECK(file.at("original_sha256").as_string() == sha);
    CHECK(file.at("blanked").as_int64() == 13);
    CHECK(file.at("sha256").as_string() == hex(sha256(world.outbox.copy(world.outbox.records.front().run))));
    REQUIRE(world.outbox.taken.count(sha) == 1);
    CHECK(world.outbox.taken.at(sha).name == "Martin, Jeanne.txt");
}

TEST_CASE("no file name and no person leaves the site, and nothing is lost by that") {
    FolderWorld world;
    world.start();
    std::string const good = test_export("guid-1");
    std::string const bad = "TEST EXPORT\noperator=Jeanne Martin\nBAD Jeanne Martin\nEND\n";
    world.folder->write("Jeanne Martin.txt", good);
    world.folder->write("Jeanne Martin (bad).txt", bad);
    world.folder->write("Jeanne Martin.docx", "letter about Jeanne Martin");
    world.run(20s);
    REQUIRE(world.outbox.of(type::run_finished).size() == 2);
    for (Draft const& draft : world.outbox.records) {
        CHECK(draft.data.find("Jeanne") == std::string::npos);
        for (auto const& [name, value] : draft.extensions) CHECK(value.find("Jeanne") == std::string::npos);
    }
    for (std::string const& bytes : {good, bad}) {
        std::string const sha = hex(sha256(bytes));
        CHECK(world.outbox.original(world.outbox.taken.at(sha).run, sha) == bytes);
    }
}

TEST_CASE("a file that its parser refuses is a run that keeps the bytes, refused on the page") {
    bool const knows_names = GENERATE(false, true);
    FolderWorld world;
    LogKept const kept;
    if (knows_names) world.options.recognise = recognise_test_format_with_names;
    world.folder->set_deletes(true);
    std::string const bad = "TEST EXPORT\noperator=Jeanne Martin\nBAD Jeanne\nEND\n";
    world.start();
    world.folder->write("bad.txt", bad);
    world.run(20s);
    std::string const run = world.outbox.taken.at(hex(sha256(bad))).run;
    auto const manifest = world.outbox.finished(run);
    CHECK(manifest.at("state").as_string() == "unreadable");
    CHECK(manifest.at("reason").as_string() == "The line \"…\" is no reading.");
    CHECK(manifest.at("files").at(0).at("blanked").as_int64() == (knows_names ? 13 : static_cast<std::int64_t>(bad.size())));
    CHECK(world.outbox.original(run, hex(sha256(bad))) == bad);
    CHECK(world.standing("bad.txt") == "refused");
    CHECK(world.file("bad.txt")->reason.find("The line \"BAD Jeanne\" is no reading.") != std::string::npos);
    CHECK(world.folder->holds("bad.txt"));  // deleting is for what was understood

    SECTION("and still is after a restart") {
        std::size_t const before = world.outbox.records.size();
        FolderWorld after;
        after.options = world.options;
        after.folder->set_deletes(true);
        after.folder->write("bad.txt", bad);
        after.outbox = world.outbox;
        after.start();
        after.run(20s);
        CHECK(after.outbox.records.size() == before);
        CHECK(after.standing("bad.txt") == "refused");
        CHECK(after.folder->holds("bad.txt"));
    }
}

TEST_CASE("a file of unknown format is named once and looked at again when it changes") {
    FolderWorld world;
    LogKept const kept;
    world.start();
    world.folder->write("notes.docx", "PK");
    world.run(10s);
    CHECK(world.standing("notes.docx") == "refused");
    CHECK(world.file("notes.docx")->reason == "No known format begins like this.");
    CHECK(world.outbox.batches == 0);
    world.run(10min);
    CHECK(world.folder->reads() == 1);
    world.folder->write("notes.docx", "PK again");
    world.run(1min);
    CHECK(world.folder->reads() == 2);
    CHECK(kept.count("folder.file_refused") == 1);
    // What looked unknown was the beginning of an export.
    world.folder->write("notes.docx", test_export("guid-9"));
    world.run(1min);
    CHECK(world.standing("notes.docx") == "taken");
}

TEST_CASE("a log that grows all day is not read whole each time") {
    FolderWorld world;
    world.options.settle = 500ms;
    world.start();
    for (int i = 0; i < 3'600; ++i) {
        world.folder->append("vendor.log", "line\n");
        world.run(1s);
    }
    CHECK(world.folder->reads() > 3);
    CHECK(world.folder->reads() < 25);
}

TEST_CASE("a file renamed into place is taken; an announcement wakes the look before the poll") {
    bool const announces = GENERATE(true, false);
    FolderWorld world;
    world.options.poll = 60s;
    world.options.settle = 1s;
    world.folder->set_announces(announces);
    world.start();
    world.run(61s);
    world.folder->write(".upload", "TEST");
    world.run(30s);
    world.folder->write(".upload", test_export("guid-3"));
    world.folder->rename(".upload", "plate.txt");
    world.run(2s);
    CHECK(world.outbox.of(type::run_finished).size() == (announces ? 1 : 0));
    world.run(61s);
    CHECK(world.outbox.of(type::run_finished).size() == 1);
    CHECK(world.standing("plate.txt") == "taken");
    CHECK(world.standing(".upload") == "not listed");
}

TEST_CASE("a settle time that is shorter than the pause between announcements holds") {
    FolderWorld world;
    world.options.settle = 100ms;
    world.folder->set_announces(true);
    world.start();
    world.run(1s);
    world.folder->write("plate.txt", test_export("guid-3"));
    world.run(90ms);
    CHECK(world.outbox.of(type::run_finished).empty());
    world.run(60ms);
    CHECK(world.outbox.of(type::run_finished).size() == 1);
}

TEST_CASE("a storm of announcements does not become a storm of listings") {
    FolderWorld world;
    world.folder->set_announces(true);
    world.start();
    for (int i = 0; i < 1'000; ++i) {
        world.folder->append("growing.txt", "x");
        world.run(10ms);
    }
    CHECK(world.folder->lists() <= 10'000 / static_cast<std::size_t>(scan_spacing.count()) + 5);
}

TEST_CASE("a file written again with other content is a revision under the same key") {
    FolderWorld world;
    world.start();
    world.folder->write("plate.txt", test_export("guid-4", 3, "0.1"));
    world.run(10s);
    world.folder->write("plate.txt", test_export("guid-4", 3, "0.2"));
    world.run(3s);
    CHECK(world.standing("plate.txt") == "waiting");
    world.run(10s);
    CHECK(world.standing("plate.txt") == "revision");
    auto const finished = world.outbox.of(type::run_finished);
    REQUIRE(finished.size() == 2);
    CHECK(finished[0].run != finished[1].run);
    CHECK(finished[0].sourcekey == finished[1].sourcekey);
    // Also under another name, and back to the first content: that one is known.
    world.folder->write("export_2.txt", test_export("guid-4", 3, "0.3"));
    world.folder->write("plate.txt", test_export("guid-4", 3, "0.1"));
    world.run(10s);
    CHECK(world.standing("export_2.txt") == "revision");
    CHECK(world.standing("plate.txt") == "taken");
    CHECK(world.outbox.of(type::run_finished).size() == 3);
}

TEST_CASE("without a key of its own a file is known by its content") {
    FolderWorld world;
    world.start();
    std::string const bytes = test_export("");
    world.folder->write("a.txt", bytes);
    world.folder->write("b.txt", bytes);
    world.run(20s);
    REQUIRE(world.outbox.of(type::run_finished).size() == 1);
    CHECK(world.outbox.records.front().sourcekey == hex(sha256(bytes)));
    CHECK(world.standing("a.txt") == "taken");
    CHECK(world.standing("b.txt") == "taken");
}

TEST_CASE("reserved space is not yet a file (field 62)") {
    FolderWorld world;
    world.start();
    std::string const whole = test_export("guid-5");
    world.folder->write("plate.txt", std::string(whole.size(), '\0'));
    world.run(10s);
    CHECK(world.standing("plate.txt") == "incomplete");
    world.folder->write("plate.txt", whole);
    world.run(20s);
    CHECK(world.standing("plate.txt") == "taken");
}

TEST_CASE("a file that another program holds waits by name, without being tried all the time") {
    FolderWorld world;
    world.start();
    world.folder->write("plate.txt", test_export("guid-6"));
    world.folder->hold("plate.txt");
    world.run(10min);
    CHECK(world.standing("plate.txt") == "waiting");
    CHECK(world.file("plate.txt")->reason.find("held by another program") != std::string::npos);
    CHECK(world.folder->reads() < 30);
    world.folder->let_go("plate.txt");
    world.run(incomplete_pause_max + 5s);
    CHECK(world.standing("plate.txt") == "taken");
    CHECK(world.file("plate.txt")->reason.empty());
}

TEST_CASE("files are refused by their size at one byte more than file_bytes_max, unread") {
    FolderWorld world;
    world.start();
    world.folder->write("large.fcs", test_export("guid-7"));
    world.folder->report_size("large.fcs", file_bytes_max + 1);
    world.run(30s);
    CHECK(world.standing("large.fcs") == "refused");
    CHECK(world.folder->reads() == 0);
    world.folder->report_size("large.fcs", file_bytes_max);
    world.run(30s);
    CHECK(world.folder->reads() > 0);  // and then it proves to be of another size than listed: it waits
    CHECK(world.outbox.batches == 0);
}

TEST_CASE("originals are disposed of after the commit only, and again when that fails") {
    FolderWorld world;
    world.folder->set_deletes(true);
    world.folder->set_undeletable(true);
    world.start();
    world.folder->write("plate.txt", test_export("guid-8"));
    world.run(30s);
    CHECK(world.outbox.of(type::run_finished).size() == 1);
    CHECK(world.standing("plate.txt") == "taken");
    CHECK(world.file("plate.txt")->reason.find("not yet out of the folder") != std::string::npos);
    world.folder->set_undeletable(false);
    world.run(refused_pause_max + 10s);
    CHECK(world.folder->disposed() == std::vector<std::string>{"plate.txt"});
    CHECK_FALSE(world.folder->holds("plate.txt"));
    CHECK(world.outbox.of(type::run_finished).size() == 1);
}

TEST_CASE("a batch that was not acknowledged is given again, and nothing is disposed of before") {
    FolderWorld world;
    world.folder->write("plate.txt", test_export("guid-10"));
    world.dies_before = 0;
    world.start();
    world.run(30s);
    REQUIRE(world.dead);
    CHECK(world.folder->disposed().empty());
    auto const again = world.clock.finish(world.driver->next());
    REQUIRE(again);
    CHECK(again->taken.has_value());
    CHECK(world.folder->disposed().empty());
    world.clock.finish(world.driver->acknowledge(again->receipt));
    CHECK(world.folder->disposed().size() == 1);
}
