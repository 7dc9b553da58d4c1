// Who is on a line, with each simulator at the other end; and that whoever speaks is left alone.
#include "drivers/probe.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "drivers/astm/simulator.hpp"
#include "drivers/biorad/simulator.hpp"
#include "drivers/biotek/simulator.hpp"
#include "drivers/hl7/simulator.hpp"
#include "drivers/line/simulator.hpp"
#include "drivers/spectramax/simulator.hpp"
#include "tests/drivers/cable_bench.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {
struct Bench : CableBench {
    std::unique_ptr<SimulatedInstrument> instrument;

    template <class Simulator>
    void plug(std::chrono::milliseconds period) {
        SimulatorOptions options;
        options.period = period;
        instrument = std::make_unique<Simulator>(options, clock.now());
        boost::asio::co_spawn(loop, play(*instrument, *cable.far, clock, {}), boost::asio::detached);
    }
    ~Bench() {
        cable.near->cut();
        clock.settle();
    }
    Result<ProbeFinding> look(ProbeOptions options = {}) { return clock.finish(probe(*cable.near, clock, std::move(options))); }
};

ProbeOptions asking(std::vector<std::string> whom) {
    ProbeOptions options;
    options.asks = std::move(whom);
    return options;
}
}  // namespace

TEST_CASE("whoever speaks while it is listened to is named and asked nothing") {
    auto const speaks = [](auto plug, std::string const& driver) {
        INFO(driver);
        Bench bench;
        plug(bench);
        auto const found = bench.look();
        REQUIRE(found);
        CHECK(found->driver == driver);
        CHECK(found->spoke_by_itself);
    };
    speaks([](Bench& b) { b.plug<astm::AstmSimulator>(10s); }, "astm");
    speaks([](Bench& b) { b.plug<hl7::Hl7Simulator>(10s); }, "hl7");
    speaks([](Bench& b) { b.plug<biotek::BiotekSimulator>(10s); }, "biotek");
    speaks([](Bench& b) { b.plug<LineSimulator>(10s); }, "line");
    Bench bench;
    bench.say("\x01\x02garbage");
    auto const unknown = bench.look();
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().fault == Fault::refused);
    CHECK_THAT(unknown.error().message, Contains("Something speaks") && Contains("\\x01\\x02garbage"));
    CHECK(bench.heard().empty());
}

TEST_CASE("a silent reader is asked what changes nothing, and the first answer ends it") {
    Bench biotek;
    biotek.plug<biotek::BiotekSimulator>(0ms);
    auto found = biotek.look();
    REQUIRE(found);
    CHECK(found->driver == "biotek");
    CHECK_FALSE(found->spoke_by_itself);

    Bench reader;
    spectramax::SpectraMaxSimulator simulator{{}, reader.clock.now()};
    boost::asio::co_spawn(reader.loop, spectramax::play(simulator, *reader.cable.far, reader.clock, {}), boost::asio::detached);
    found = reader.look();
    REQUIRE(found);
    CHECK(found->driver == "spectramax");
    CHECK(simulator.plates() == 0);
    reader.cable.near->cut();
    reader.clock.settle();  // while the simulator is there

    Bench biorad;
    biorad.plug<biorad::BioradSimulator>(0ms);
    found = biorad.look(asking({"biorad"}));
    REQUIRE(found);
    CHECK(found->driver == "biorad");
}

TEST_CASE("what is said to a line where nobody answers are these bytes and no others") {
    Bench bench;
    auto const begun = bench.clock.now();
    auto const found = bench.look();
    REQUIRE(found);
    CHECK(found->driver.empty());
    CHECK(bench.heard() == "e\r!\r");
    CHECK(bench.clock.now() - begun >= 30s);
    Bench listening;
    ProbeOptions options;
    options.listen_only = true;
    REQUIRE(listening.look(options));
    CHECK(listening.heard().empty());
}

TEST_CASE("bytes in the last moment of listening keep the questions back") {
    Bench bench;
    auto late = [](Bench& b) -> Task<void> {
        co_await b.clock.sleep_for(29'999ms);
        std::string const text = "R 1 0.5\n";
        auto const bytes = sim::bytes_of(text);
        (void)co_await b.cable.far->write(bytes);
    };
    boost::asio::co_spawn(bench.loop, late(bench), boost::asio::detached);
    auto const found = bench.look();
    REQUIRE(found);
    CHECK(found->spoke_by_itself);
    CHECK(bench.heard().empty());
}

TEST_CASE("an answer that nobody knows ends the questions") {
    Bench bench;
    auto answering = [](Bench& b) -> Task<void> {
        std::array<std::byte, 16> into;
        (void)co_await b.cable.far->read_some(into, Clock::Instant::max());
        std::string const text = "WHAT?";
        auto const bytes = sim::bytes_of(text);
        (void)co_await b.cable.far->write(bytes);
    };
    boost::asio::co_spawn(bench.loop, answering(bench), boost::asio::detached);
    auto const found = bench.look();
    REQUIRE_FALSE(found);
    CHECK_THAT(found.error().message, Contains("Something answers"));
    CHECK(bench.heard().empty());
}
