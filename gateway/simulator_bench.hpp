// What the simulators of `simulate` share: a loop until SIGTERM or SIGINT, a button (SIGUSR1), and the simulated instrument's own log.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <filesystem>
#include <functional>
#include <string_view>

#include "core/error.hpp"
#include "core/task.hpp"
#include "io/synced_log.hpp"
#include "io/system.hpp"

namespace marrowlink {

// Declared behind what it plays, so that coroutines which still wait go first.
class SimulatorBench {
 public:
    SimulatorBench() : signals_(loop_) {}

    // Empty: no log, and `note` does nothing.
    Result<void> open_log(std::filesystem::path const& path);
    // A truth that is not on disk is none: a line that cannot be written ends the run with that error.
    void note(std::string_view line);

    // Plays until `playing` ends or a signal does; its error, or the log's. `pressed` is called at SIGUSR1, which without it ends the
    // program.
    Result<void> run(Task<Result<void>> playing, std::function<void()> pressed = nullptr);
    Result<void> const& outcome() const { return outcome_; }  // an error once the log has failed

    boost::asio::any_io_executor executor() { return loop_.get_executor(); }
    SystemClock& clock() { return clock_; }

 private:
    void await_signal(std::function<void()> pressed);

    SystemClock clock_;
    SyncedLog log_;
    bool logs_ = false;
    Result<void> outcome_;
    boost::asio::io_context loop_{1};  // last but for the signals: what is still suspended in it goes before what it uses
    boost::asio::signal_set signals_;
};

}  // namespace marrowlink
