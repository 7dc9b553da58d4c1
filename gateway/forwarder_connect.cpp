// When the forwarder connects, and when it does not.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "gateway/forwarder.hpp"

namespace marrowlink {
namespace asio = boost::asio;

void Forwarder::start() {
    uplink_.listen(this);
    if (!stopped_ && !held_) open();
}

void Forwarder::stop() {
    stopped_ = true;
    uplink_.close();
}

void Forwarder::reconnect_now() {
    backoff_ = {};
    if (connected_) return uplink_.close();
    if (!open_scheduled_ || stopped_) return;
    forget_schedule();
    open();
}

void Forwarder::hold(std::string why) {
    held_ = true;
    held_why_ = std::move(why);
    stalling_ = false;
    centre_online_ = false;
    forget_schedule();
    set_state(LinkState::rehearsal, {});
    if (connected_) uplink_.close();
}

void Forwarder::release() {
    if (!std::exchange(held_, false)) return;
    backoff_ = {};
    set_state(LinkState::connecting, "");
    // A connection that is still closing is followed by the next attempt, as every other.
    if (!opened_ && !stopped_) open();
}

// Whoever sleeps until the next attempt finds it made or forbidden.
void Forwarder::forget_schedule() {
    ++attempt_;
    open_scheduled_ = false;
}

void Forwarder::open() {
    opened_ = true;
    uplink_.open();
}

void Forwarder::schedule_open() {
    if (open_scheduled_) return;
    open_scheduled_ = true;
    backoff_ = std::clamp(backoff_ * 2, limits_.backoff_first, limits_.backoff_last);
    // Half fixed, half random: after a broker's restart the gateways of all sites must not come back in the same instant.
    std::uint8_t dice = 0;
    entropy_.fill(std::as_writable_bytes(std::span{&dice, 1}));
    auto const wait = backoff_ / 2 + backoff_ * dice / 510;
    asio::co_spawn(
        loop_,
        [this, alive = alive_, wait, attempt = attempt_]() -> Task<void> {
            co_await clock_.sleep_for(std::chrono::duration_cast<std::chrono::milliseconds>(wait));
            if (!*alive || attempt != attempt_) co_return;
            open_scheduled_ = false;
            if (!stopped_) open();
        },
        asio::detached);
}

}  // namespace marrowlink
