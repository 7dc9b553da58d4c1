// An analyser that is not there against the driver: damaged, slow, silent, repeating and breaking off; each result is one run.
#include "drivers/astm/simulator.hpp"

#include <boost/asio/detached.hpp>
#include <map>

#include "drivers/astm/driver.hpp"
#include "tests/drivers/cable_bench.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {
std::string from_order(std::string const& message) { return message.substr(message.find("\rO|")); }
}  // namespace

TEST_CASE("whatever the line does, each delivered result is one run with its own values") {
    LineFaults const faults = GENERATE(LineFaults{}, LineFaults{960, 0, 0, 0, 0}, LineFaults{0, 400, 0, 0, 0}, LineFaults{0, 0, 4, 0, 0},
                                       LineFaults{0, 0, 0, 3, 0}, LineFaults{0, 0, 0, 0, 3}, LineFaults{1920, 700, 0, 4, 4});
    CableBench bench;
    astm::AstmSimulator analyser{SimulatorOptions{3, 30s, faults}, bench.clock.now()};
    std::map<std::string, std::string> truth;
    auto playing = play(analyser, *bench.cable.far, bench.clock, [&](SimulatedEvent const& event) {
        if (event.kind == SimulatedEvent::Kind::delivered) truth[event.key] = event.text;
    });
    boost::asio::co_spawn(bench.loop, std::move(playing), boost::asio::detached);
    astm::Options options;
    options.instrument = "analyser";
    astm::AstmDriver driver{options, *bench.cable.near, bench.clock};
    std::map<std::string, std::string> runs;  // by run id: the message
    std::size_t const wanted = faults.silent_after != 0 ? faults.silent_after : 20;
    while (truth.size() < wanted) {
        auto const batch = bench.clock.finish(driver.next());
        REQUIRE(batch);
        if (batch->records.size() == 1) runs.emplace(batch->records[0].run, message_of(batch->records[0]));
        bench.clock.run_for(1s);
    }
    for (auto const& [key, text] : truth) {
        INFO(key);
        CHECK(std::count_if(runs.begin(), runs.end(), [&](auto const& one) { return from_order(one.second) == from_order(text); }) == 1);
    }
    // One may have come whole whose answer was not heard yet.
    CHECK(runs.size() <= truth.size() + 1);
}
