#include "gateway/simulate.hpp"

#include <fmt/format.h>

#include <functional>
#include <iostream>
#include <system_error>

#include "core/json.hpp"
#include "core/sha256.hpp"
#include "gateway/simulator_bench.hpp"
#include "io/pty.hpp"

namespace marrowlink {
namespace {
using spectramax::SpectraMaxSimulator;

std::string line_of(SpectraMaxSimulator::Event const& event, std::string const& instrument) {
    using Kind = SpectraMaxSimulator::Event::Kind;
    json::object line;
    line["event"] = event.kind == Kind::started ? "started" : event.kind == Kind::measured ? "measured" : "cleared";
    line["instrument"] = instrument;
    line["plate_no"] = event.plate_no;
    if (!event.transfer.empty()) {
        line["sha256"] = hex(sha256(event.transfer));
        line["size"] = event.transfer.size();
    }
    return json::serialize(line) + '\n';
}

// One reader for the whole life of the program; one pseudo-terminal for each time that its cable is in.
class Bench {
 public:
    explicit Bench(SimulateOptions const& options) : options_(options), reader_(options.spectramax, SystemClock{}.now()) {}

    Result<void> run() {
        auto const opened = bench_.open_log(options_.log);
        if (!opened) return opened;
        auto const outcome = bench_.run(play(), [this] {
            std::cout << (reader_.press_read(bench_.clock().now()) ? "A read was started at the panel."
                                                                   : "The reader is busy or still holds a plate.")
                      << std::endl;
        });
        std::error_code ignored;
        std::filesystem::remove(options_.link, ignored);
        return outcome;
    }

 private:
    Task<Result<void>> play() {
        for (;;) {
            auto pty = open_pty(bench_.executor(), bench_.clock());
            if (!pty) co_return fail(pty.error());
            auto const linked = link_pty(pty->path, options_.link);
            if (!linked) co_return fail(linked.error());
            std::cout << fmt::format("A simulated SpectraMax reader answers on {} ({}).", options_.link.string(), pty->path) << std::endl;
            std::function<void(SpectraMaxSimulator::Event const&)> const note = [this](SpectraMaxSimulator::Event const& event) {
                bench_.note(line_of(event, options_.instrument));
            };
            co_await spectramax::play(reader_, *pty->line, bench_.clock(), note);
            if (!bench_.outcome()) co_return bench_.outcome();
            pty->line.reset();
            std::error_code ignored;
            std::filesystem::remove(options_.link, ignored);
            std::cout << "The cable was pulled." << std::endl;
            co_await bench_.clock().sleep_for(options_.unplugged_for);
        }
    }

    SimulateOptions const& options_;
    SpectraMaxSimulator reader_;
    SimulatorBench bench_;
};
}  // namespace

Result<void> run_simulate(SimulateOptions const& options) {
    if (options.link.empty()) return fail(Fault::usage, "The simulator needs --link: the name under which the gateway finds its port.");
    Bench bench{options};
    return bench.run();
}

}  // namespace marrowlink
