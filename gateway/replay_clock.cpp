#include "gateway/replay_clock.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace marrowlink {

struct ReplayClock::Sleeper {
    boost::asio::steady_timer timer;
    std::multimap<Instant, Sleeper*>& among;
    std::multimap<Instant, Sleeper*>::iterator place;
    bool listed = true;
    ~Sleeper() {
        if (listed) among.erase(place);
    }
};

Clock::Utc ReplayClock::utc() const { return Utc{std::chrono::duration_cast<std::chrono::milliseconds>(now_ - origin)}; }

Task<void> ReplayClock::sleep_until(Instant when) {
    auto const executor = co_await boost::asio::this_coro::executor;
    Sleeper sleeper{boost::asio::steady_timer{executor, Instant::max()}, sleepers_, {}};
    sleeper.place = sleepers_.emplace(when, &sleeper);
    boost::system::error_code cancelled;
    co_await sleeper.timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    if (sleeper.listed) throw boost::system::system_error(cancelled);
}

bool ReplayClock::jump() {
    auto const first = sleepers_.begin();
    if (first == sleepers_.end() || first->first == Instant::max()) return false;
    now_ = std::max(now_, first->first);
    Sleeper& sleeper = *first->second;
    sleepers_.erase(first);
    sleeper.listed = false;
    sleeper.timer.cancel();
    return true;
}

}  // namespace marrowlink
