// What a program that runs until it is told to stop owes whoever started it: SIGTERM and SIGINT end it in order, a second one at once;
// SIGHUP reads the configuration again; its service manager hears when it is ready, that it is alive, and that it stops.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "io/notify.hpp"

namespace marrowlink {

class Daemon {
 public:
    struct Duties {
        std::function<void()> reload;
        std::function<Task<void>()> end;        // the loop stops when it is done
        std::function<std::string()> standing;  // one line for `systemctl status` with each sign of life; none: what ready() said stays
    };

    // All of it happens on `loop`; `loop` and `clock` outlive it.
    Daemon(boost::asio::io_context& loop, Clock& clock, Duties duties)
        : loop_(loop), clock_(clock), duties_(std::move(duties)), signals_(loop) {}

    // Call it before anybody can see that the program is here, and so before anybody can mean it.
    void hear_signals();
    // Tells the service manager, and from now on, as often as it asks, that the loop turns: a program that hangs is started again.
    // `unavailable` when the service manager cannot be told.
    Result<void> ready(std::string const& status);

 private:
    void wait_for_signal();
    Task<void> end();
    Task<void> show_life();
    static void tell(Result<void> const& told);

    boost::asio::io_context& loop_;
    Clock& clock_;
    Duties duties_;
    boost::asio::signal_set signals_;
    std::optional<Notify> notify_;
    bool ending_ = false;
};

}  // namespace marrowlink
