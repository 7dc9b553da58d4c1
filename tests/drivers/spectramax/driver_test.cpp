#include "drivers/spectramax/driver.hpp"

#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>
#include <map>

#include "core/log.hpp"
#include "drivers/spectramax/simulator.hpp"
#include "tests/sim/memory_transport.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace marrowlink::spectramax;
using namespace std::chrono_literals;

namespace {
// One reader, one line, one driver; `committed` stands for the outbox.
struct Bench {
    boost::asio::io_context loop;
    sim::VirtualClock clock{loop};
    SpectraMaxSimulator reader;
    std::vector<SpectraMaxSimulator::Event> log;
    std::unique_ptr<sim::MemoryTransport> far, near;
    Options options;
    std::unique_ptr<SpectraMax> driver;
    std::map<std::string, Draft> committed;  // by idempotency key
    std::optional<Result<Batch>> brought;    // what start_and_read's next() brought
    bool polling = false;

    explicit Bench(SimulatorOptions simulated = {}) : reader(simulated, clock.now()) {
        log::set_sink([](log::Level, std::string_view) {});
        options.instrument = "reader-1";
        plug();
    }
    ~Bench() { driver.reset(); }

    void plug() {
        driver.reset();
        clock.settle();
        if (near) near->cut();
        clock.settle();
        auto ends = sim::MemoryTransport::connect(clock);
        near = std::move(ends.near);
        far = std::move(ends.far);
        auto played = play(reader, *far, clock, [this](SpectraMaxSimulator::Event const& event) { log.push_back(event); });
        boost::asio::co_spawn(loop, std::move(played), [this, line = far.get()](std::exception_ptr) {
            if (line == far.get()) line->cut();
        });
        driver = std::make_unique<SpectraMax>(*near, clock, options);
    }

    Result<Batch> next(std::chrono::milliseconds limit = 10min) { return clock.finish(driver->next(), limit); }
    Result<void> acknowledge(Receipt receipt) { return clock.finish(driver->acknowledge(receipt)); }
    void commit(Batch const& batch) {
        Sha256 hash;
        for (Draft const& draft : batch.records) committed.emplace(idempotency_key(draft, hash), draft);
    }
    int count(SpectraMaxSimulator::Event::Kind kind) const {
        int n = 0;
        for (auto const& event : log) n += event.kind == kind;
        return n;
    }
    std::string measured() const {
        for (auto at = log.rbegin(); at != log.rend(); ++at)
            if (at->kind == SpectraMaxSimulator::Event::Kind::measured) return at->transfer;
        return {};
    }
};
using Kind = SpectraMaxSimulator::Event::Kind;

std::string file_of(Batch const& batch) {
    std::string bytes;
    for (Draft const& draft : batch.records)
        if (draft.type == type::run_file) bytes += draft.data;
    return bytes;
}
json::object finished_of(Batch const& batch) {
    for (Draft const& draft : batch.records)
        if (draft.type == type::run_finished) return json::parse(draft.data, "run.finished")->as_object();
    return {};
}

// Starts a run while next() is polling, as the page does, and returns what next() then brings. A refused start leaves next() polling.
Result<Batch> start_and_read(Bench& bench, std::string run, std::string plate) {
    if (!bench.polling) {
        bench.polling = true;
        bench.brought.reset();
        auto next = bench.driver->next();
        boost::asio::co_spawn(bench.loop, std::move(next), [&bench](std::exception_ptr, Result<Batch> value) {
            bench.brought = std::move(value);
            bench.polling = false;
        });
    }
    bench.clock.run_for(2500ms);
    StartRequest const request{std::move(run), std::move(plate)};
    auto const started = bench.clock.finish(bench.driver->start(request), 90s);
    if (!started) return fail(started.error());
    bench.clock.run_until_true([&] { return bench.brought.has_value(); }, 10min);
    REQUIRE(bench.brought);
    return *bench.brought;
}
}  // namespace

TEST_CASE("a started plate is read, believed, committed and only then cleared") {
    Bench bench;
    auto const batch = start_and_read(bench, "11111111-2222-4333-8444-555555555555", "AML-007 day 3");
    INFO((batch ? std::string{} : batch.error().message));
    REQUIRE(batch);
    CHECK(file_of(*batch) == bench.measured());
    json::object const finished = finished_of(*batch);
    CHECK(json::string_of(finished, "state") == "complete");
    CHECK(json::string_of(finished, "plate") == "AML-007 day 3");
    CHECK(json::integer_of(finished.at("readings").as_object(), "count") == 96);
    for (Draft const& draft : batch->records) {
        CHECK(draft.run == "11111111-2222-4333-8444-555555555555");
        CHECK(draft.sourcekey == draft.run);
        CHECK(draft.instrument == "reader-1");
    }
    CHECK(bench.reader.holds_data());
    CHECK(bench.count(Kind::cleared) == 0);
    REQUIRE(bench.acknowledge(batch->receipt));
    CHECK_FALSE(bench.reader.holds_data());
    CHECK(bench.count(Kind::cleared) == 1);
    CHECK(bench.count(Kind::measured) == 1);
    REQUIRE_FALSE(bench.acknowledge(batch->receipt));
}

TEST_CASE("identify changes nothing and says that no hardware was tried") {
    Bench bench;
    bench.reader.press_read(bench.clock.now());
    bench.clock.run_for(20s);
    auto const words = bench.clock.finish(bench.driver->identify());
    REQUIRE(words);
    CHECK(words->find("not been tried") != std::string::npos);
    CHECK_FALSE(SpectraMax::tried_on_hardware);
    CHECK(bench.reader.holds_data());
}

TEST_CASE("data found at connect are read before any command that changes the reader") {
    Bench bench;
    bench.reader.press_read(bench.clock.now());
    bench.clock.run_for(20s);
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(file_of(*batch) == bench.measured());
    std::string const sha = hex(sha256(bench.measured()));
    CHECK(batch->records.front().sourcekey == sha);
    CHECK(batch->records.front().run == run_id_of("reader-1", sha, sha));
    CHECK(json::string_of(finished_of(*batch), "plate").empty());
    CHECK(bench.count(Kind::cleared) == 0);
}

TEST_CASE("a read started at the panel while connected is noticed") {
    Bench bench;
    std::optional<Result<Batch>> batch;
    auto next = bench.driver->next();
    boost::asio::co_spawn(bench.loop, std::move(next), [&](std::exception_ptr, Result<Batch> value) { batch = std::move(value); });
    bench.clock.run_for(30s);
    CHECK(bench.driver->activity() == "idle");
    bench.reader.press_read(bench.clock.now());
    bench.clock.run_for(6s);
    CHECK(bench.driver->activity().find("reading, ") == 0);
    bench.clock.run_for(10s);
    REQUIRE(batch);
    REQUIRE(*batch);
    CHECK(file_of(**batch) == bench.measured());
}

TEST_CASE("a crash between commit and clear stores the plate once") {
    SECTION("started from the panel: the same run id again") {
        Bench bench;
        bench.reader.press_read(bench.clock.now());
        bench.clock.run_for(20s);
        auto const first = bench.next();
        REQUIRE(first);
        bench.commit(*first);
        std::size_t const records = bench.committed.size();
        bench.plug();  // the new process knows nothing
        auto const second = bench.next();
        REQUIRE(second);
        bench.commit(*second);
        CHECK(bench.committed.size() == records);
        REQUIRE(bench.acknowledge(second->receipt));
        CHECK(bench.count(Kind::cleared) == 1);
    }
    SECTION("started here: the committed digest is enough to clear") {
        Bench bench;
        auto const first = start_and_read(bench, "run-a", "plate a");
        REQUIRE(first);
        bench.options.stored_sha256 = hex(sha256(file_of(*first)));
        bench.plug();
        auto next = bench.driver->next();
        std::optional<Result<Batch>> second;
        boost::asio::co_spawn(bench.loop, std::move(next), [&](std::exception_ptr, Result<Batch> value) { second = std::move(value); });
        bench.clock.run_for(1min);
        CHECK_FALSE(second);
        CHECK_FALSE(bench.reader.holds_data());
        CHECK(bench.count(Kind::cleared) == 1);
    }
}

TEST_CASE("a transfer after a restart belongs to the open run") {
    Bench bench;
    bench.reader.press_read(bench.clock.now());
    bench.options.open_run = OpenRun{"run-b", "plate b"};
    bench.plug();
    auto const batch = bench.next();
    REQUIRE(batch);
    CHECK(batch->records.front().run == "run-b");
    CHECK(json::string_of(finished_of(*batch), "plate") == "plate b");
}

TEST_CASE("an open run whose reader is idle and empty is aborted with its reason") {
    Bench bench;
    bench.options.open_run = OpenRun{"run-c", "plate c"};
    bench.plug();
    auto const batch = bench.next();
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 1);
    CHECK(batch->records[0].type == type::run_aborted);
    CHECK(batch->records[0].data.find("idle and holds no data") != std::string::npos);
    REQUIRE(bench.acknowledge(batch->receipt));
    CHECK(start_and_read(bench, "run-d", "plate d"));
}

TEST_CASE("start is refused with a sentence while the reader is busy or holds data") {
    Bench bench;
    bench.reader.press_read(bench.clock.now());
    auto const busy_refusal = start_and_read(bench, "run-e", "plate e");
    REQUIRE_FALSE(busy_refusal);
    CHECK(busy_refusal.error().fault == Fault::refused);
    CHECK(busy_refusal.error().message.find("MEASURING") != std::string::npos);
    CHECK(bench.reader.plates() == 1);
}

TEST_CASE("a start that nobody can carry out is withdrawn after its limit, and never carried out later") {
    Bench bench;
    StartRequest const request{"run-f", "plate f"};
    auto const started = bench.clock.finish(bench.driver->start(request));  // next() is not running
    REQUIRE_FALSE(started);
    CHECK(started.error().fault == Fault::refused);
    auto next = bench.driver->next();
    boost::asio::co_spawn(bench.loop, std::move(next), boost::asio::detached);
    bench.clock.run_for(1min);
    CHECK(bench.reader.plates() == 0);
}

TEST_CASE("a start waiting when the connection ends is told so") {
    Bench bench;
    StartRequest const request{"run-g", "plate g"};
    std::optional<Result<void>> started;
    auto start = bench.driver->start(request);
    boost::asio::co_spawn(bench.loop, std::move(start), [&](std::exception_ptr, Result<void> value) { started = std::move(value); });
    bench.clock.run_for(1s);
    bench.driver.reset();
    bench.clock.settle();
    REQUIRE(started);
    REQUIRE_FALSE(*started);
    CHECK(started->error().fault == Fault::unavailable);
}

TEST_CASE("no answer is a named state, never 'connected' (field 37)") {
    Bench bench;
    auto next = bench.driver->next();
    std::optional<Result<Batch>> batch;
    boost::asio::co_spawn(bench.loop, std::move(next), [&](std::exception_ptr, Result<Batch> value) { batch = std::move(value); });
    bench.clock.run_for(5s);
    bench.reader.set_silent(true);
    bench.clock.run_for(8s);
    CHECK(bench.driver->activity().find("no answer for ") == 0);
    bench.clock.run_for(30s);
    REQUIRE(batch);
    REQUIRE_FALSE(*batch);
    CHECK(batch->error().fault == Fault::timed_out);
    CHECK(batch->error().message.find("!STATUS") != std::string::npos);
}

TEST_CASE("a short silence is survived and no reply is taken for another (field 43)") {
    SimulatorOptions simulated;
    simulated.silent_after_commands = 7;
    simulated.silent_for = 6s;
    Bench bench{simulated};
    for (int plate = 1; plate <= 3; ++plate) {
        auto batch = start_and_read(bench, "run-" + std::to_string(plate), "plate");
        // A swallowed !READ is refused, not repeated behind the person's back: that could measure twice.
        if (!batch) {
            CHECK(batch.error().message.find("the reader did not begin") != std::string::npos);
            batch = start_and_read(bench, "run-again-" + std::to_string(plate), "plate");
        }
        INFO((batch ? std::string{} : batch.error().message));
        REQUIRE(batch);
        CHECK(file_of(*batch) == bench.measured());
        REQUIRE(bench.acknowledge(batch->receipt));
    }
    CHECK(bench.count(Kind::measured) == 3);
    CHECK(bench.count(Kind::cleared) == 3);
}

TEST_CASE("a slow line is read whole") {
    SimulatorOptions simulated;
    simulated.bytes_per_second = 120;  // 1200 baud
    Bench bench{simulated};
    auto const batch = start_and_read(bench, "run-h", "plate h");
    REQUIRE(batch);
    CHECK(file_of(*batch) == bench.measured());
}

TEST_CASE("damaged bytes never become values: a plate is stored as measured or named unreadable") {
    int complete = 0;
    int unreadable = 0;
    int given_up = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        SimulatorOptions simulated;
        simulated.seed = seed;
        simulated.damage_every = seed % 4 == 0 ? 300 : 3000;
        Bench bench{simulated};
        bench.reader.press_read(bench.clock.now());
        auto const batch = bench.next();
        if (!batch) {
            ++given_up;
            CHECK((batch.error().fault == Fault::unavailable || batch.error().fault == Fault::timed_out));
            CHECK(bench.reader.holds_data());
            continue;
        }
        json::object const finished = finished_of(*batch);
        if (json::string_of(finished, "state") == "complete") {
            ++complete;
            REQUIRE(file_of(*batch) == bench.measured());
        } else {
            ++unreadable;
            CHECK_FALSE(json::string_of(finished, "reason").empty());
            CHECK_FALSE(file_of(*batch).empty());
        }
        (void)bench.acknowledge(batch->receipt);
        if (json::string_of(finished, "state") != "complete") {
            CHECK(bench.count(Kind::cleared) == 0);
            CHECK(bench.driver->activity().find("could not be read") != std::string::npos);
        }
    }
    INFO("complete " << complete << ", unreadable " << unreadable << ", line given up " << given_up);
    CHECK(complete > 100);
    CHECK(unreadable > 0);
}

TEST_CASE("an unreadable plate is asked for again and stored when the line is better, with its plate name") {
    SimulatorOptions simulated;
    simulated.seed = 3;
    Bench bench{simulated};
    bench.brought.reset();
    auto next = bench.driver->next();
    boost::asio::co_spawn(bench.loop, std::move(next), [&](std::exception_ptr, Result<Batch> value) { bench.brought = std::move(value); });
    bench.clock.run_for(2s);
    StartRequest const request{"run-x", "plate x"};
    REQUIRE(bench.clock.finish(bench.driver->start(request)));
    bench.clock.run_until_true([&] { return bench.reader.holds_data(); });
    bench.reader.set_damage_every(250);
    bench.clock.run_until_true([&] { return bench.brought.has_value(); });
    REQUIRE(bench.brought);
    REQUIRE(*bench.brought);
    Batch const bad = **bench.brought;
    REQUIRE(json::string_of(finished_of(bad), "state") == "unreadable");
    CHECK(bad.records.front().run == "run-x");
    REQUIRE(bench.acknowledge(bad.receipt));
    REQUIRE(bench.driver->trouble());
    CHECK(bench.reader.holds_data());
    bench.reader.set_damage_every(0);
    auto const good = bench.next(5min);
    REQUIRE(good);
    CHECK(file_of(*good) == bench.measured());
    CHECK(good->records.front().run != "run-x");
    CHECK(json::string_of(finished_of(*good), "plate") == "plate x");
    CHECK(good->records.back().data.find("Run run-x holds") != std::string::npos);
    CHECK_FALSE(bench.driver->trouble());
    REQUIRE(bench.acknowledge(good->receipt));
    CHECK_FALSE(bench.reader.holds_data());
}

TEST_CASE("another plate read before the acknowledgement is not cleared with the first") {
    Bench bench;
    bench.reader.press_read(bench.clock.now());
    auto const first = bench.next();
    REQUIRE(first);
    // While the disk was full somebody cleared the reader and measured the next plate at the panel.
    bench.reader.receive("!CLEAR DATA\r", bench.clock.now());
    bench.reader.press_read(bench.clock.now());
    bench.clock.run_for(20s);
    REQUIRE(bench.acknowledge(first->receipt));
    CHECK(bench.reader.holds_data());
    auto const second = bench.next();
    REQUIRE(second);
    CHECK(file_of(*second) != file_of(*first));
    CHECK(file_of(*second) == bench.measured());
}

TEST_CASE("a cut cable ends the connection and the next one finds the plate (field 35, field 39)") {
    SimulatorOptions simulated;
    simulated.unplug_after_bytes = 700;
    Bench bench{simulated};
    bench.reader.press_read(bench.clock.now());
    int closed = 0;
    std::optional<Result<Batch>> batch;
    // Each connection carries 700 bytes, less than a plate and its confirmation, until the cable is mended.
    while (closed < 10) {
        batch = bench.next();
        if (*batch) break;
        CHECK(batch->error().fault == Fault::closed);
        if (++closed == 4) bench.reader.set_unplug_after(0);
        bench.plug();
    }
    REQUIRE(*batch);
    CHECK(closed == 4);
    CHECK(json::string_of(finished_of(**batch), "state") == "complete");
    CHECK(file_of(**batch) == bench.measured());
    CHECK(bench.count(Kind::measured) == 1);
}
