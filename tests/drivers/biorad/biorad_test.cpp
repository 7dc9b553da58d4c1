// Bio-Rad plates and readers: every cut and changed byte, and the driver against a reader that is not there.
#include <fmt/format.h>

#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

#include "drivers/biorad/driver.hpp"
#include "drivers/biorad/parse.hpp"
#include "drivers/biorad/simulator.hpp"
#include "tests/drivers/cable_bench.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using biorad::Heard;

namespace {

std::string rows_from(int first) {
    std::string rows;
    for (int row = 0; row < 8; ++row) {
        for (int column = 0; column < 12; ++column)
            rows += row == 0 && column == 11  ? std::string{" *.***"}
                    : row == 1 && column == 0 ? std::string{"-0.004"}
                                              : fmt::format(" {}.{:03}", row / 4, (first + 100 * row + column) % 1000);
        rows += '\r';
    }
    return rows;
}

std::string block(std::string const& rows) {
    unsigned sum = 0;
    for (unsigned char const c : rows) sum += c;
    return ".begin\r" + rows + std::to_string(sum % 256) + "\r.end\r";
}

std::string const model_550 = "BIO-RAD MODEL 550 READER\rMes. filter:1\r" + block(rows_from(101));
std::string const model_680 = "BIO-RAD Model 680 Microplate READER\r04/03/2026 09:08:07\rMes. filter:450\rRef. filter:655\r" +
                              block(rows_from(101)) + '\r' + block(rows_from(51));

struct Bench : CableBench {
    biorad::Options options;
    SimulatorOptions reader_options{1, 0s, {}};
    std::unique_ptr<biorad::BioradSimulator> reader;
    std::unique_ptr<biorad::BioradDriver> driver;
    std::vector<std::string> truth;

    Bench() {
        options.instrument = "reader";
        options.read = "0 1";
    }
    void open() {
        if (!reader) reader = std::make_unique<biorad::BioradSimulator>(reader_options, clock.now());
        if (driver) {
            driver.reset();
            cable.far->cut();
            clock.settle();
            cable = sim::MemoryTransport::connect(clock);
        }
        auto playing = play(*reader, *cable.far, clock, [this](SimulatedEvent const& event) {
            if (event.kind == SimulatedEvent::Kind::measured) truth.push_back(event.text);
        });
        boost::asio::co_spawn(loop, std::move(playing), boost::asio::detached);
        driver = std::make_unique<biorad::BioradDriver>(options, *cable.near, clock);
    }
    // Starts a read and returns what becomes of it; an error when it was not started.
    Result<Batch> measure(std::string run) {
        std::optional<Result<void>> started;
        auto starting = driver->start({std::move(run), "PLT-1"});
        boost::asio::co_spawn(loop, std::move(starting), [&](std::exception_ptr, Result<void> value) { started = std::move(value); });
        if (!std::exchange(waiting, true)) {
            auto next = driver->next();
            boost::asio::co_spawn(loop, std::move(next), [this](std::exception_ptr, Result<Batch> value) { came = std::move(value); });
        }
        REQUIRE(clock.run_until_true([&] { return started.has_value(); }));
        if (!*started) return fail(started->error());
        REQUIRE(clock.run_until_true([&] { return came.has_value(); }));
        waiting = false;
        auto batch = *std::exchange(came, std::nullopt);
        if (batch) REQUIRE(clock.finish(driver->acknowledge(batch->receipt)));
        return batch;
    }
    std::optional<Result<Batch>> came;
    bool waiting = false;  // for a batch
};

bool says(Batch const& batch, std::string_view words) { return batch.records.back().data.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("a plate of either model is read: values, asterisks, negative values, both filters") {
    auto const one = biorad::parse(model_550);
    INFO((one ? std::string{} : one.error().message));
    REQUIRE(one);
    REQUIRE(one->readings.size() == 96);
    CHECK(one->readings[0].well == "A1");
    CHECK(one->readings[0].value == "0.101");
    CHECK(one->readings[0].unit == "OD");
    CHECK(one->readings[0].read == "Mes. filter 1");
    CHECK(one->readings[11].flag == "*.***");
    CHECK(one->readings[12].value == "-0.004");
    CHECK(one->readings[95].well == "H12");
    CHECK(one->readings[95].value == "1.812");
    auto const two = biorad::parse(model_680);
    INFO((two ? std::string{} : two.error().message));
    REQUIRE(two);
    REQUIRE(two->readings.size() == 192);
    CHECK(two->started == "04/03/2026 09:08:07");
    CHECK(two->readings[0].wavelength_nm == "450");
    CHECK(two->readings[96].wavelength_nm == "655");
    CHECK(two->readings[96].value == "0.051");
}

TEST_CASE("what is not known of a plate is refused by its line") {
    auto const refused = [](std::string text, std::string_view found, std::string_view instead, std::string_view words) {
        REQUIRE(text.find(found) != std::string::npos);
        text.replace(text.find(found), found.size(), instead);
        auto const document = biorad::parse(text);
        REQUIRE_FALSE(document);
        INFO(document.error().message);
        CHECK(document.error().message.find(words) != std::string::npos);
    };
    refused(model_550, "MODEL 550", "MODEL 450", "neither");
    refused(model_550, "filter:1", "filter:450", "position of a filter");
    refused(model_680, "filter:450", "filter:1", "wavelength");
    refused(model_680, "04/03/2026", "yesterday ", "date and time");
    refused(model_550, " 0.101", " OVER!", "Line 4 of the plate: well A1");
    refused(model_550, " 0.101", " 0,101", "Line 4 of the plate: well A1");
    refused(model_550, " 0.101", "", "11 values");
    refused(model_550, " 0.101", " 0.101 0.000", "more than 12");
    refused(model_550, " 0.101", " 0.201", "sum up to");
    refused(model_550, ".begin", "begin", "\".begin\"");
}

TEST_CASE("a plate cut at any byte is none, and a changed byte is refused or changes no value unseen") {
    std::string const reply = "ERE 0000 " + model_550 + '\r';
    for (std::size_t cut = 0; cut + 1 < reply.size(); ++cut) {
        CHECK_FALSE(biorad::parse(model_550.substr(0, std::min(cut, model_550.size() - 1))));
        std::string_view rest = std::string_view{reply}.substr(0, cut);
        for (auto event = biorad::next_event(rest); event.heard != Heard::nothing; event = biorad::next_event(rest)) {
            CHECK(event.heard != Heard::plate);
            rest.remove_prefix(event.bytes);
        }
        std::string const joined = reply.substr(0, cut) + reply;
        rest = joined;
        std::size_t good = 0;
        for (auto event = biorad::next_event(rest); event.heard != Heard::nothing; event = biorad::next_event(rest)) {
            good += event.heard == Heard::plate && biorad::parse(event.text).has_value();
            rest.remove_prefix(event.bytes);
        }
        CHECK(good == 1);
    }
    auto const original = biorad::parse(model_550);
    for (std::size_t at = 0; at < model_550.size(); ++at)
        for (int bit = 0; bit < 8; ++bit) {
            std::string changed = model_550;
            changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
            auto const document = biorad::parse(changed);
            if (!document) continue;
            for (std::size_t i = 0; i < 96; ++i) CHECK(document->readings[i].value == original->readings[i].value);
        }
}

TEST_CASE("a read that is started here is one run under its id, with what the reader measured, and the keys are given back") {
    for (bool const is_680 : {false, true}) {
        Bench bench;
        bench.options.read = is_680 ? "2 0 L 1 4" : "0 1 3";
        bench.open();
        bench.reader->set_model_680(is_680);
        CHECK(bench.clock.finish(bench.driver->identify())->find("Bio-Rad reader") == 0);
        for (std::string const run : {"run-1", "run-2"}) {
            auto const batch = bench.measure(run);
            REQUIRE(batch);
            CHECK(says(*batch, "complete"));
            CHECK(says(*batch, "PLT-1"));
            CHECK(batch->records.back().run == run);
            CHECK(batch->records[0].data == bench.truth.back());
        }
        CHECK(bench.truth.size() == 2);
    }
}

TEST_CASE("a driver that waits for a start wakes for nothing else, and takes the start up at once") {
    Bench bench;
    bench.open();
    REQUIRE(bench.clock.finish(bench.driver->identify()));
    auto next = bench.driver->next();
    boost::asio::co_spawn(bench.loop, std::move(next), [&](std::exception_ptr, Result<Batch> value) { bench.came = std::move(value); });
    bench.waiting = true;
    bench.clock.settle();
    CHECK(bench.clock.sleepers() == 0);  // its reader sleeps without end too
    auto const before = bench.clock.now();
    auto const began = bench.measure("run-1");
    REQUIRE(began);
    CHECK(bench.truth.size() == 1);
    CHECK(bench.clock.now() - before < 30s);
}

TEST_CASE("before a read the driver says which plate the reader holds; none, or one that comes damaged, is said too") {
    Bench bench;
    bench.open();
    auto const held = [&] {
        std::optional<Result<std::optional<std::string>>> told;
        auto looking = bench.driver->held();
        boost::asio::co_spawn(bench.loop, std::move(looking),
                              [&](std::exception_ptr, Result<std::optional<std::string>> value) { told = std::move(value); });
        if (!std::exchange(bench.waiting, true)) {
            auto next = bench.driver->next();
            boost::asio::co_spawn(bench.loop, std::move(next),
                                  [&](std::exception_ptr, Result<Batch> value) { bench.came = std::move(value); });
        }
        REQUIRE(bench.clock.run_until_true([&] { return told.has_value(); }));
        return *told;
    };
    auto const none = held();
    REQUIRE(none);
    CHECK_FALSE(*none);
    REQUIRE(bench.measure("run-1"));
    auto const first = held();
    REQUIRE(first);
    CHECK(**first == hex(sha256(bench.truth.at(0))));
    REQUIRE(bench.measure("run-2"));
    CHECK(**held() == hex(sha256(bench.truth.at(1))));
    CHECK(bench.truth.size() == 2);  // looking measures nothing

    bench.reader->set_damage_every(200);
    auto const damaged = held();
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().fault == Fault::refused);
    bench.reader->set_damage_every(0);
    bench.clock.run_for(1min);
    CHECK_FALSE(bench.came);  // no copy of it is another run
    CHECK(**held() == hex(sha256(bench.truth.at(1))));
}

TEST_CASE("a damaged or broken plate is asked for again, and what is stored is what was measured") {
    LineFaults const faults = GENERATE(LineFaults{0, 900, 0, 0, 0}, LineFaults{960, 1500, 0, 0, 0}, LineFaults{0, 0, 0, 0, 1});
    Bench bench;
    bench.reader_options.faults = faults;
    bench.open();
    std::size_t complete = 0;
    for (int n = 0; n < 12; ++n) {
        auto const batch = bench.measure("run-" + std::to_string(n));
        if (!batch || !says(*batch, "complete")) continue;
        ++complete;
        CHECK(std::find(bench.truth.begin(), bench.truth.end(), batch->records[0].data) != bench.truth.end());
        CHECK(batch->records[0].data == bench.truth.back());
    }
    CHECK(complete >= 6);
}

TEST_CASE("a run whose connection was lost gets its plate, and none when the read did not take place") {
    Bench bench;
    bench.open();
    auto const first = bench.measure("run-1");
    REQUIRE(first);
    bench.options.stored_sha256 = hex(sha256(bench.truth[0]));

    // The gateway stops while the reader reads; the plate is ready when it is back.
    bench.options.open_run = biorad::OpenRun{"run-2", "PLT-2"};
    bench.reader->measure(bench.clock.now());
    bench.clock.run_for(1min);
    bench.open();
    auto const second = bench.clock.finish(bench.driver->next());
    REQUIRE(second);
    CHECK(second->records.back().run == "run-2");
    CHECK(says(*second, "PLT-2"));
    REQUIRE(bench.truth.size() == 2);
    CHECK(second->records[0].data == bench.truth[1]);
    bench.options.stored_sha256 = hex(sha256(bench.truth[1]));

    bench.options.open_run = biorad::OpenRun{"run-3", "PLT-3"};
    bench.open();
    auto const third = bench.clock.finish(bench.driver->next());
    REQUIRE(third);
    REQUIRE(third->records.size() == 1);
    CHECK(third->records[0].type == type::run_aborted);
    CHECK(third->records[0].run == "run-3");
    CHECK(says(*third, "did not take place"));
}

TEST_CASE("a reader that falls silent ends the run after its last attempt, by name") {
    Bench bench;
    bench.open();
    bench.reader_options.faults = {};
    Result<Batch> batch = fail(Fault::broken, "not ended");
    auto starting = bench.driver->start({"run-1", ""});
    boost::asio::co_spawn(bench.loop, std::move(starting), [](std::exception_ptr, Result<void>) {});
    auto next = bench.driver->next();
    boost::asio::co_spawn(bench.loop, std::move(next), [&](std::exception_ptr, Result<Batch> value) { batch = std::move(value); });
    bench.clock.run_for(5s);
    bench.reader->set_silent(true);
    bench.clock.run_for(1h);
    REQUIRE(batch);
    REQUIRE(batch->records.size() == 1);
    CHECK(batch->records[0].type == type::run_aborted);
    CHECK(says(*batch, "gave no plate"));

    Bench off;
    off.open();
    off.reader->set_silent(true);
    CHECK(off.clock.finish(off.driver->identify()).error().fault == Fault::timed_out);
}

TEST_CASE("a start is refused in words where it cannot be") {
    Bench bench;
    bench.options.read.clear();
    bench.open();
    CHECK(bench.clock.finish(bench.driver->start({"run", ""})).error().message.find("does not say how this reader reads") !=
          std::string::npos);

    Bench silent;
    silent.open();
    silent.reader->set_silent(true);
    auto next = silent.driver->next();
    boost::asio::co_spawn(silent.loop, std::move(next), [](std::exception_ptr, Result<Batch>) {});
    auto const refused = silent.clock.finish(silent.driver->start({"run", ""}));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::refused);
    CHECK(refused.error().message.find("did not answer AQ") != std::string::npos);
}

TEST_CASE("a plate that somebody else commanded is a run of its own, once") {
    Bench bench;
    bench.open();
    bench.reader->measure(bench.clock.now());
    auto const batch = bench.clock.finish(bench.driver->next());
    REQUIRE(batch);
    CHECK(says(*batch, "complete"));
    CHECK(batch->records[0].sourcekey == hex(sha256(bench.truth.at(0))));
}
