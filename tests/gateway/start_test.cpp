// A read that is started from here, on a reader that keeps its last plate: a Bio-Rad, as the gateway runs it.
#include "cabled_instrument.hpp"
#include "core/sha256.hpp"
#include "drivers/biorad/driver.hpp"
#include "drivers/biorad/simulator.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {
struct Bench : CabledInstrument {
    Bench() {
        SimulatorOptions options;
        options.period = 0ms;
        reader = std::make_unique<biorad::BioradSimulator>(options, clock.now());
        InstrumentPlan plan;
        plan.id = "reader";
        plan.driver_name = "biorad";
        plan.transport = port();
        plan.driver = [this](InstrumentPlan::Connection connection) {
            biorad::Options told;
            told.instrument = "reader";
            told.read = "1 0";
            told.stored_sha256 = connection.last_transcript;
            if (connection.open_run) told.open_run = biorad::OpenRun{connection.open_run->run, connection.open_run->plate};
            return std::make_unique<biorad::BioradDriver>(std::move(told), *connection.transport, clock);
        };
        CabledInstrument::start(std::move(plan));
    }
    ~Bench() {
        if (far) far->cut();
        clock.settle();
    }
    void pass(std::chrono::milliseconds span) {
        for (auto const end = clock.now() + span; clock.now() < end; clock.run_for(50ms)) {
            if (opened == played) continue;
            played = opened;
            auto playing = play(*reader, *far, clock, [this](SimulatedEvent const& event) {
                if (event.kind == SimulatedEvent::Kind::measured) measured.push_back(event.text);
            });
            asio::co_spawn(loop, std::move(playing), asio::detached);
        }
    }
    std::size_t kept(std::string_view type) {
        auto const all = clock.finish(outbox->peek(1, 100, 1u << 20));
        REQUIRE(all);
        return static_cast<std::size_t>(
            std::count_if(all->begin(), all->end(), [&](Record const& record) { return record.type() == type; }));
    }
    void press_start() {
        asio::co_spawn(
            loop, [this]() -> Task<void> { begun = co_await instrument->start("PLT", "somebody"); }, asio::detached);
    }
    std::string last_transcript() {
        std::function<Result<std::string>(OutboxStore&)> read = [](OutboxStore& store) { return store.last_transcript("reader"); };
        return clock.finish(outbox->ask(std::move(read))).value();
    }

    std::unique_ptr<biorad::BioradSimulator> reader;
    std::vector<std::string> measured;
    Result<std::string> begun;
    int played = 0;
};
}  // namespace

// Storm 975: the disk of a gateway was restored, so it did not know the plate that its reader held; the power went before the next read was
// commanded, and the plate of the run before was stored as that of the new one.
TEST_CASE("a start that never reached the reader does not get the plate of the run before, whatever the outbox knew of it") {
    Bench bench;
    bench.pass(2s);
    bench.press_start();
    bench.pass(1min);
    REQUIRE(bench.begun);
    REQUIRE(bench.measured.size() == 1);
    CHECK(bench.kept(type::run_finished) == 1);
    std::string const plate = hex(sha256(bench.measured[0]));
    CHECK(bench.last_transcript() == plate);

    Append restored;
    restored.held = {"reader", "of a plate long ago"};
    REQUIRE(bench.clock.finish(bench.outbox->append(std::move(restored))));
    bench.far->cut();
    bench.pass(5s);
    bench.press_start();
    while (bench.kept(type::run_started) < 2) bench.pass(50ms);
    bench.far->cut();
    bench.pass(2min);
    CHECK(bench.measured.size() == 1);
    CHECK(bench.last_transcript() == plate);
    CHECK(bench.kept(type::run_finished) == 1);
    CHECK(bench.kept(type::run_aborted) == 1);

    bench.press_start();
    bench.pass(1min);
    REQUIRE(bench.begun);
    CHECK(bench.measured.size() == 2);
    CHECK(bench.kept(type::run_finished) == 2);
}
