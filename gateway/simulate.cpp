#include "gateway/simulate.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <functional>
#include <iostream>
#include <system_error>

#include "core/json.hpp"
#include "core/sha256.hpp"
#include "io/pty.hpp"
#include "io/synced_log.hpp"
#include "io/system.hpp"

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
    explicit Bench(SimulateOptions const& options) : options_(options), reader_(options.spectramax, clock_.now()), signals_(loop_) {}

    Result<void> run() {
        if (!options_.log.empty()) {
            auto opened = SyncedLog::open(options_.log);
            if (!opened) return fail(opened.error());
            log_ = std::move(*opened);
        }
        for (int const signal : {SIGTERM, SIGINT, SIGUSR1}) signals_.add(signal);
        await_signal();
        auto playing = play();
        boost::asio::co_spawn(loop_, std::move(playing), [this](std::exception_ptr, Result<void> ended) {
            if (!ended) outcome_ = ended;
            loop_.stop();
        });
        loop_.run();
        std::error_code ignored;
        std::filesystem::remove(options_.link, ignored);
        return outcome_;
    }

 private:
    void await_signal() {
        signals_.async_wait([this](boost::system::error_code stopped, int signal) {
            if (stopped) return;
            if (signal != SIGUSR1) return loop_.stop();
            std::cout << (reader_.press_read(clock_.now()) ? "A read was started at the panel."
                                                           : "The reader is busy or still holds a plate.")
                      << std::endl;
            await_signal();
        });
    }

    Task<Result<void>> play() {
        for (;;) {
            auto pty = open_pty(loop_.get_executor(), clock_);
            if (!pty) co_return fail(pty.error());
            auto const linked = link_pty(pty->path, options_.link);
            if (!linked) co_return fail(linked.error());
            std::cout << fmt::format("A simulated SpectraMax reader answers on {} ({}).", options_.link.string(), pty->path) << std::endl;
            std::function<void(SpectraMaxSimulator::Event const&)> const note = [this](SpectraMaxSimulator::Event const& event) {
                write(event);
            };
            co_await spectramax::play(reader_, *pty->line, clock_, note);
            if (!outcome_) co_return outcome_;
            pty->line.reset();
            std::error_code ignored;
            std::filesystem::remove(options_.link, ignored);
            std::cout << "The cable was pulled." << std::endl;
            co_await clock_.sleep_for(options_.unplugged_for);
        }
    }

    // A truth that is not on disk is none: without it the reader stops.
    void write(SpectraMaxSimulator::Event const& event) {
        if (options_.log.empty()) return;
        auto const written = log_.append(line_of(event, options_.instrument));
        if (written) return;
        outcome_ = fail(written.error());
        loop_.stop();
    }

    SimulateOptions const& options_;
    SystemClock clock_;
    SpectraMaxSimulator reader_;
    SyncedLog log_;
    Result<void> outcome_;
    boost::asio::io_context loop_{1};
    boost::asio::signal_set signals_;
};
}  // namespace

Result<void> run_simulate(SimulateOptions const& options) {
    if (options.link.empty()) return fail(Fault::usage, "The simulator needs --link: the name under which the gateway finds its port.");
    Bench bench{options};
    return bench.run();
}

}  // namespace marrowlink
