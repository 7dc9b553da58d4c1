#include "io/daemon.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <utility>

#include "core/log.hpp"

namespace marrowlink {

void Daemon::hear_signals() {
    for (int const signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
    wait_for_signal();
}

void Daemon::wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code error, int signal) {
        if (error) return;
        if (signal == SIGHUP)
            duties_.reload();
        else if (std::exchange(ending_, true))
            loop_.stop();
        else
            boost::asio::co_spawn(loop_, end(), boost::asio::detached);
        wait_for_signal();
    });
}

Task<void> Daemon::end() {
    if (notify_) tell(notify_->stopping());
    auto ended = duties_.end();
    co_await std::move(ended);
    loop_.stop();
}

Result<void> Daemon::ready(std::string const& status) {
    auto notify = Notify::from_environment();
    if (!notify) return fail(notify.error());
    notify_.emplace(std::move(*notify));
    boost::asio::co_spawn(loop_, show_life(), boost::asio::detached);
    tell(notify_->status(status));
    tell(notify_->ready());
    return {};
}

Task<void> Daemon::show_life() {
    auto const period = notify_->alive_period();
    if (!period) co_return;
    for (;;) {
        co_await clock_.sleep_for(*period);
        tell(notify_->alive());
        if (duties_.standing) tell(notify_->status(duties_.standing()));
    }
}

void Daemon::tell(Result<void> const& told) {
    if (!told) log::warn("service_manager.not_told", {{"reason", told.error().message}});
}

}  // namespace marrowlink
