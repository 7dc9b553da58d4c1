#include "gateway/instrument.hpp"

#include <boost/asio/co_spawn.hpp>

#include "cabled_instrument.hpp"
#include "drivers/line/driver.hpp"
#include "io/system.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {
// A printer that never repeats itself, on a cable that the test holds.
struct Bench : CabledInstrument {
    Bench() {
        InstrumentPlan plan;
        plan.id = "printer";
        plan.driver_name = "line";
        plan.transport = port();
        plan.journalled = true;
        plan.messages = true;
        plan.driver = [this](InstrumentPlan::Connection connection) {
            LineSettings settings;
            settings.instrument = "printer";
            settings.position = connection.position;
            return std::make_unique<LineDriver>(settings, *connection.transport, clock);
        };
        start(std::move(plan));
    }
    void say(std::string_view text) {
        REQUIRE(far);
        REQUIRE(clock.finish(far->write(std::as_bytes(std::span(text)))));
        clock.run_for(1s);
    }
    std::vector<std::string> kept() {
        auto const all = clock.finish(outbox->peek(1, 100, 1u << 20));
        REQUIRE(all);
        std::vector<std::string> out;
        for (Record const& record : *all)
            if (record.data.find("message") != std::string::npos) out.push_back(record.data);
        return out;
    }
};
}  // namespace

TEST_CASE("a port is not opened while what was kept of its bytes cannot be read, and then no byte is lost (storm 90)") {
    Bench bench;
    bench.clock.run_for(1s);
    bench.say("first\n");
    CHECK(bench.ear.messages == 1);
    auto retired = false;
    asio::co_spawn(
        bench.loop,
        [&]() -> Task<void> {
            co_await bench.outbox->retire();
            retired = true;
        },
        asio::detached);
    bench.clock.run_for(1s);
    REQUIRE(retired);
    bench.far.reset();  // the cable is pulled while the outbox is being exchanged
    int const before = bench.opened;
    bench.clock.run_for(1min);
    CHECK(bench.opened == before);
    REQUIRE_FALSE(bench.ear.states.empty());
    CHECK(bench.ear.states.back().state == ConnectionState::failed);
    CHECK(bench.ear.states.back().detail.find("being set aside") != std::string::npos);

    bench.outbox->replace(open_store(bench.folder.path()));
    bench.clock.run_for(30s);
    REQUIRE(bench.opened == before + 1);
    bench.say("last\n");
    auto const kept = bench.kept();
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].find("first") != std::string::npos);
    CHECK(kept[1].find("last") != std::string::npos);
}
