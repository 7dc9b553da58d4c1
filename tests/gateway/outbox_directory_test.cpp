#include "gateway/outbox_directory.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include "../sim/virtual_clock.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "outbox_world.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;

namespace {
struct World {
    World() {
        log::set_sink([](log::Level, std::string_view) {});
    }
    Result<OpenedOutbox> open() { return OutboxDirectory::open({folder.path(), "lyon", "bench-2", {}, "boot", {}}, dice, clock); }
    std::filesystem::path file(std::string const& stream) const { return folder.path() / (stream + ".outbox"); }
    std::filesystem::path aside(std::string const& stream) const { return folder.path() / "set-aside" / (stream + ".outbox"); }
    void spoil(std::filesystem::path const& path) {
        auto database = Database::open(path, Database::Mode::read_write);
        REQUIRE(database->exec("UPDATE record SET data=x'00' WHERE seq=(SELECT max(seq) FROM record)"));
    }
    TemporaryFolder folder;
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{7};
};

json::object first_record(OutboxStore& store) {
    auto const records = store.peek(1, 1, 1);
    REQUIRE(records);
    REQUIRE(records->size() == 1);
    REQUIRE(records->front().type() == type::stream_opened);
    return json::parse(records->front().data, "stream.opened")->get_object();
}
}  // namespace

TEST_CASE("an empty directory gets a stream, and the next start finds the same one") {
    World world;
    std::string stream;
    {
        auto opened = world.open();
        REQUIRE(opened);
        stream = opened->store->origin().stream;
        CHECK(opened->set_aside.empty());
        CHECK(opened->salvages.empty());
        json::object const said = first_record(*opened->store);
        CHECK(json::string_of(said, "previous").empty());
        CHECK(json::string_of(said, "reason") == "first start");
    }
    auto again = world.open();
    REQUIRE(again);
    CHECK(again->store->origin().stream == stream);
    CHECK(again->store->position().appended == 1);
}

TEST_CASE("two gateways cannot share one outbox, and the message says who has it") {
    World world;
    auto first = world.open();
    REQUIRE(first);
    auto second = world.open();
    REQUIRE_FALSE(second);
    CHECK(second.error().fault == Fault::unavailable);
    CHECK(second.error().message.find(std::to_string(getpid())) != std::string::npos);
    // A killed holder holds nothing.
    first = fail(Fault::closed, "");
    pid_t const child = fork();
    if (child == 0) {
        auto mine = world.open();
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(world.open());
}

TEST_CASE("a kill between any two steps of setting aside is made good at the next start (field 34)") {
    int const steps = GENERATE(0, 1, 2, 3);
    CAPTURE(steps);
    World world;
    std::string stream;
    // A killed gateway leaves its log beside the outbox, with records that are nowhere else.
    pid_t const child = fork();
    if (child == 0) {
        auto opened = world.open();
        fill(*opened->store, 1, 20);
        world.spoil(world.file(opened->store->origin().stream));
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    world.dice = sim::SeededEntropy{99};  // the child has used this one's numbers
    for (auto const& entry : std::filesystem::directory_iterator(world.folder.path()))
        if (entry.path().extension() == ".outbox") stream = entry.path().stem().string();
    REQUIRE_FALSE(stream.empty());
    REQUIRE(std::filesystem::exists(world.file(stream).string() + "-wal"));
    char const* const tails[] = {"", "-wal", "-shm"};
    for (int i = 0; i < steps; ++i) REQUIRE(move_durably(world.file(stream).string() + tails[i], world.aside(stream).string() + tails[i]));
    auto opened = world.open();
    REQUIRE(opened);
    CHECK(opened->store->origin().stream != stream);
    CHECK(json::string_of(first_record(*opened->store), "previous") == stream);
    REQUIRE(opened->salvages.size() == 1);
    CHECK_FALSE(std::filesystem::exists(world.file(stream)));
    CHECK_FALSE(std::filesystem::exists(world.file(stream).string() + "-wal"));
    auto scan = SalvageScan::open(world.aside(stream));
    REQUIRE(scan);
    while (!(*scan)->step(100).value()) {
    }
    CHECK((*scan)->last() == 20);
    REQUIRE((*scan)->lost().size() == 1);
    CHECK((*scan)->lost()[0].first == 21);
}

TEST_CASE("a kill between making a stream and its first record is made good") {
    World world;
    REQUIRE(OutboxStore::create(world.file(stream_a), stream_a));
    std::ofstream(world.folder.path() / "0d000000-0000-4000-8000-00000000000d.outbox.part") << "half";
    auto opened = world.open();
    REQUIRE(opened);
    CHECK(opened->store->origin().stream == stream_a);
    CHECK(json::string_of(first_record(*opened->store), "reason") == "first start");
    CHECK_FALSE(std::filesystem::exists(world.folder.path() / "0d000000-0000-4000-8000-00000000000d.outbox.part"));
}

TEST_CASE("of two outboxes the newest that verifies is used, and what the other holds is sent (field 34)") {
    World world;
    std::string const older = "0e000000-0000-4000-8000-00000000000e";
    for (std::string const& stream : {older, stream_a}) {
        auto store = OutboxStore::open(world.folder.path(), {"lyon", "bench-2", stream}, {});
        REQUIRE(store);
        fill(**store, 1, 10);
    }
    std::filesystem::last_write_time(world.file(older), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
    bool const newest_damaged = GENERATE(false, true);
    if (newest_damaged) {
        world.spoil(world.file(stream_a));
    }
    auto opened = world.open();
    REQUIRE(opened);
    CHECK(opened->store->origin().stream == (newest_damaged ? older : stream_a));
    REQUIRE(opened->salvages.size() == 1);
    CHECK(opened->salvages[0]->stream() == (newest_damaged ? stream_a : older));
    CHECK_FALSE(opened->set_aside.empty());
}

TEST_CASE("a newer version's outbox is neither opened nor set aside (field 60)") {
    World world;
    REQUIRE(OutboxStore::create(world.file(stream_a), stream_a));
    REQUIRE(Database::open(world.file(stream_a), Database::Mode::read_write)->exec("PRAGMA user_version=3"));
    auto const opened = world.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::configuration);
    CHECK(std::filesystem::exists(world.file(stream_a)));
}

TEST_CASE("files that are no outboxes are passed over") {
    World world;
    std::ofstream(world.folder.path() / "copy of mine.outbox") << "x";
    auto opened = world.open();
    REQUIRE(opened);
    CHECK(opened->set_aside.empty());
    CHECK(std::filesystem::exists(world.folder.path() / "copy of mine.outbox"));
}
