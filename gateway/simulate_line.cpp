// Instruments that speak by themselves, on a pseudo-terminal or a TCP connection.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
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
#include "io/pty.hpp"
#include "io/synced_log.hpp"
#include "io/system.hpp"
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
    LineBench(SimulateLineOptions const& options, std::unique_ptr<SimulatedInstrument> instrument)
        : options_(options), instrument_(std::move(instrument)), signals_(loop_) {}

    Result<void> run() {
        if (!options_.log.empty()) {
            auto opened = SyncedLog::open(options_.log);
            if (!opened) return fail(opened.error());
            log_ = std::move(*opened);
        }
        for (int const signal : {SIGTERM, SIGINT, SIGUSR1}) signals_.add(signal);
        await_signal();
        auto playing = play_on_and_on();
        boost::asio::co_spawn(loop_, std::move(playing), [this](std::exception_ptr, Result<void> ended) {
            if (!ended) outcome_ = ended;
            loop_.stop();
        });
        loop_.run();
        std::error_code ignored;
        if (!options_.link.empty()) std::filesystem::remove(options_.link, ignored);
        return outcome_;
    }

 private:
    void await_signal() {
        signals_.async_wait([this](boost::system::error_code stopped, int signal) {
            if (stopped) return;
            if (signal != SIGUSR1) return loop_.stop();
            instrument_->measure(clock_.now());
            std::cout << "A result was measured." << std::endl;
            await_signal();
        });
    }

    Task<Result<std::unique_ptr<Transport>>> open() {
        if (!options_.link.empty()) {
            auto pty = open_pty(loop_.get_executor(), clock_);
            if (!pty) co_return fail(pty.error());
            auto const linked = link_pty(pty->path, options_.link);
            if (!linked) co_return fail(linked.error());
            co_return std::move(pty->line);
        }
        if (!door_ && options_.listens)
            door_ = std::make_unique<TcpListenerFactory>(loop_.get_executor(), options_.host, options_.port);
        else if (!door_)
            door_ = std::make_unique<TcpClientFactory>(loop_.get_executor(), options_.host, options_.port);
        co_return co_await door_->open();
    }

    Task<Result<void>> play_on_and_on() {
        std::function<void(SimulatedEvent const&)> const note = [this](SimulatedEvent const& event) { write(event); };
        std::string const place = options_.link.empty() ? fmt::format("{}:{}", options_.host, options_.port) : options_.link.string();
        std::cout << fmt::format("A simulated {} instrument is at {}.", options_.device, place) << std::endl;
        for (;;) {
            auto line = co_await open();
            if (!line && (!options_.link.empty() || options_.listens)) co_return fail(line.error());
            if (line) co_await play(*instrument_, **line, clock_, note);
            if (!outcome_) co_return outcome_;
            co_await clock_.sleep_for(reconnect_pause);
        }
    }

    // A truth that is not on disk is none: without it the instrument stops.
    void write(SimulatedEvent const& event) {
        if (options_.log.empty()) return;
        auto const written = log_.append(line_of(event, options_.instrument));
        if (written) return;
        outcome_ = fail(written.error());
        loop_.stop();
    }

    SimulateLineOptions const& options_;
    SystemClock clock_;
    std::unique_ptr<SimulatedInstrument> instrument_;
    SyncedLog log_;
    Result<void> outcome_;
    boost::asio::io_context loop_{1};
    boost::asio::signal_set signals_;
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
    LineBench bench{options, found->make(options.simulator, SystemClock{}.now())};
    return bench.run();
}

}  // namespace marrowlink
