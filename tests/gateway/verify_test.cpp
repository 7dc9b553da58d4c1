#include "gateway/verify.hpp"

#include <sstream>

#include "core/json.hpp"
#include "core/log.hpp"
#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;

namespace {
struct World {
    World() {
        OutboxLimits limits;
        limits.retention_ms = 1'000;
        store = open_store(folder.path(), limits);
        fill(*store, 1, 300);
        REQUIRE(store->confirm(120));
        REQUIRE(store->prune(some_day_ms + 5'000, 50));
    }
    std::filesystem::path file() const { return folder.path() / (stream_a + ".outbox"); }
    void alter(char const* sql) {
        auto database = Database::open(file(), Database::Mode::read_write);
        auto const done = database->exec(sql);
        if (!done) FAIL(done.error().message);
    }
    TemporaryFolder folder;
    std::unique_ptr<OutboxStore> store;
};
}  // namespace

TEST_CASE("a whole outbox verifies, also while it is in use") {
    World world;
    auto const report = verify_outbox(world.folder.path());
    REQUIRE(report);
    REQUIRE(report->outboxes.size() == 1);
    OutboxProof const& proof = report->outboxes[0];
    CHECK(proof.good());
    CHECK(proof.stream == stream_a);
    CHECK(proof.first == 51);
    CHECK(proof.last == 300);
    CHECK(proof.acknowledged == 120);
    CHECK(proof.records == 250);
    fill(*world.store, 301, 310);
    std::ostringstream out;
    CHECK(verify_and_print(world.file(), out));
    CHECK(out.str().find("last=310") != std::string::npos);
    CHECK(out.str().find("total streams=1 records=260 missing=0 doubled=0 altered=0 lost=0 damaged=0") != std::string::npos);
}

TEST_CASE("whatever is missing, doubled or altered is named, and nothing else is") {
    struct Case {
        char const* sql;
        std::vector<std::uint64_t> missing, altered, doubled;
    };
    Case const one_of = GENERATE(
        Case{"DELETE FROM record WHERE seq BETWEEN 100 AND 109", {100, 109}, {110, 110}, {}},
        Case{"DELETE FROM record WHERE seq=51", {51, 51}, {52, 52}, {}},
        Case{"UPDATE record SET data=x'00' WHERE seq=77", {}, {77, 77}, {}},
        Case{"UPDATE record SET data=x'00' WHERE seq=51", {}, {51, 51}, {}},
        Case{"UPDATE record SET data=x'00' WHERE seq=300", {}, {300, 300}, {}},
        Case{"UPDATE record SET attributes=CAST(attributes || x'00' AS BLOB) WHERE seq=200", {}, {200, 200}, {}},
        Case{"UPDATE record SET chain=zeroblob(32) WHERE seq=200", {}, {200, 200}, {}},
        Case{"UPDATE record SET attributes=(SELECT attributes FROM record WHERE seq=60), data=(SELECT data FROM record WHERE seq=60) "
             "WHERE seq=90",
             {},
             {90, 90},
             {60}});
    CAPTURE(one_of.sql);
    World world;
    world.alter(one_of.sql);
    auto const report = verify_outbox(world.file());
    REQUIRE(report);
    OutboxProof const& proof = report->outboxes[0];
    CHECK_FALSE(proof.good());
    auto const flat = [](std::vector<SeqRange> const& ranges) {
        std::vector<std::uint64_t> out;
        for (SeqRange const& range : ranges) out.insert(out.end(), {range.first, range.last});
        return out;
    };
    CHECK(flat(proof.missing) == one_of.missing);
    CHECK(flat(proof.altered) == one_of.altered);
    CHECK(proof.doubled == one_of.doubled);
    std::ostringstream out;
    auto const printed = verify_and_print(world.file(), out);
    REQUIRE_FALSE(printed);
    CHECK(exit_code(printed.error().fault) == 65);
}

TEST_CASE("what a set-aside outbox has lost counts until the living one has named it") {
    World world;
    std::string const next = "0b000000-0000-4000-8000-00000000000b";
    world.store.reset();
    world.alter("UPDATE record SET data=x'00' WHERE seq=200");
    std::filesystem::create_directory(world.folder.path() / "set-aside");
    std::filesystem::rename(world.file(), world.folder.path() / "set-aside" / world.file().filename());
    auto living = OutboxStore::open(world.folder.path(), {"lyon", "bench-2", next}, {});
    REQUIRE(living);
    auto const before = verify_outbox(world.folder.path());
    REQUIRE(before);
    CHECK_FALSE(before->good());
    Append append;
    Draft& closed = append.drafts.emplace_back();
    closed.type = type::stream_closed;
    closed.instrument = "gateway";
    closed.data = fmt::format(R"({{"stream":"{}","lost":[{{"first":200,"last":200}}],"reason":"damaged","last":300}})", stream_a);
    REQUIRE((*living)->append({append}, stamp, some_day_ms, 0));
    auto const after = verify_outbox(world.folder.path());
    REQUIRE(after);
    CHECK(after->good());
    REQUIRE(after->outboxes.size() == 2);
    CHECK(after->outboxes[1].lost == 1);
    CHECK(after->outboxes[1].set_aside);
}

TEST_CASE("a directory without an outbox, and a file that is none, say so") {
    TemporaryFolder folder;
    CHECK(verify_outbox(folder.path()).error().fault == Fault::unavailable);
    auto const file = folder.path() / (stream_a + ".outbox");
    std::ofstream(file) << std::string(10'000, 'x');
    auto const report = verify_outbox(file);
    REQUIRE(report);
    CHECK_FALSE(report->good());
    CHECK(report->outboxes[0].damage.find("not a database") != std::string::npos);
}
