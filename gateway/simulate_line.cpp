// Instruments that speak by themselves, on a pseudo-terminal or a TCP connection.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <system_error>

#include "core/json.hpp"
#include "core/sha256.hpp"
#include "drivers/astm/simulator.hpp"
#include "drivers/biorad/simulator.hpp"
#include "drivers/biotek/simulator.hpp"
#include "drivers/hl7/simulator.hpp"
#include "drivers/line/simulator.hpp"
#include "gateway/simulate.hpp"
#include "gateway/simulator_bench.hpp"
#include "io/pty.hpp"
#include "io/tcp.hpp"

namespace marrowlink {
namespace {

constexpr std::chrono::milliseconds reconnect_pause{1'000};

template <class Simulator>
std::unique_ptr<SimulatedInstrument> make(SimulatorOptions const& options, Clock::Instant now) {
    return std::make_unique<Simulator>(options, now);
}

std::string line_of(SimulatedEvent const& event, std::string const& instrument) {
    using Kind = SimulatedEvent::Kind;
    json::object line;
    line["event"] = event.kind == Kind::measured ? "measured" : event.kind == Kind::delivered ? "delivered" : "given up";
    line["instrument"] = instrument;
    line["key"] = event.key;
    line["sha256"] = hex(sha256(event.text));
    line["size"] = event.text.size();
    return json::serialize(line) + '\n';
}

class LineBench {
 public:
    LineBench(SimulateLineOptions const& options, LineSimulatorEntry const& entry)
        : options_(options), instrument_(entry.make(options.simulator, SystemClock{}.now())) {}

    Result<void> run() {
        auto const opened = bench_.open_log(options_.log);
        if (!opened) return opened;
        auto const outcome = bench_.run(play_on_and_on(), [this] {
            instrument_->measure(bench_.clock().now());
            std::cout << "A result was measured." << std::endl;
        });
        std::error_code ignored;
        if (!options_.link.empty()) std::filesystem::remove(options_.link, ignored);
        return outcome;
    }

 private:
    Task<Result<std::unique_ptr<Transport>>> open() {
        if (!options_.link.empty()) {
            auto pty = open_pty(bench_.executor(), bench_.clock());
            if (!pty) co_return fail(pty.error());
            auto const linked = link_pty(pty->path, options_.link);
            if (!linked) co_return fail(linked.error());
            co_return std::move(pty->line);
        }
        if (!door_ && options_.listens)
            door_ = std::make_unique<TcpListenerFactory>(bench_.executor(), options_.host, options_.port);
        else if (!door_)
            door_ = std::make_unique<TcpClientFactory>(bench_.executor(), options_.host, options_.port);
        co_return co_await door_->open();
    }

    Task<Result<void>> play_on_and_on() {
        std::function<void(SimulatedEvent const&)> const note = [this](SimulatedEvent const& event) {
            bench_.note(line_of(event, options_.instrument));
        };
        std::string const place = options_.link.empty() ? fmt::format("{}:{}", options_.host, options_.port) : options_.link.string();
        std::cout << fmt::format("A simulated {} instrument is at {}.", options_.device, place) << std::endl;
        for (;;) {
            auto line = co_await open();
            if (!line && (!options_.link.empty() || options_.listens)) co_return fail(line.error());
            if (line) co_await play(*instrument_, **line, bench_.clock(), note);
            if (!bench_.outcome()) co_return bench_.outcome();
            co_await bench_.clock().sleep_for(reconnect_pause);
        }
    }

    SimulateLineOptions const& options_;
    std::unique_ptr<SimulatedInstrument> instrument_;
    SimulatorBench bench_;
    std::unique_ptr<TransportFactory> door_;
};
}  // namespace

std::span<LineSimulatorEntry const> line_simulators() {
    static constexpr LineSimulatorEntry entries[] = {
        {"astm", "an analyser on an ASTM link", make<astm::AstmSimulator>},
        {"biorad", "a Bio-Rad plate reader", make<biorad::BioradSimulator>},
        {"biotek", "a BioTek plate reader that sends its plates", make<biotek::BiotekSimulator>},
        {"hl7", "a sender of HL7 results over MLLP", make<hl7::Hl7Simulator>},
        {"line", "an instrument that says a line a result", make<LineSimulator>},
    };
    return entries;
}

Result<void> run_simulate_line(SimulateLineOptions const& options) {
    auto const simulators = line_simulators();
    auto const found = std::find_if(simulators.begin(), simulators.end(), [&](auto const& one) { return one.name == options.device; });
    if (found == simulators.end())
        return fail(Fault::usage, fmt::format("No instrument \"{}\" can be simulated on a line.", options.device));
    if (options.device == "biorad" && options.simulator.faults.repeat_every != 0)
        return fail(Fault::usage, "A Bio-Rad reader says a plate again only when it is told to, which the gateway does by itself.");
    if (options.link.empty() == options.host.empty())
        return fail(Fault::usage, "The simulator needs one of --link, --connect and --listen: where the gateway finds it.");
    LineBench bench{options, *found};
    return bench.run();
}

}  // namespace marrowlink
