#include "io/system.hpp"

#include <sys/random.h>
#include <sys/timex.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <fstream>

namespace marrowlink {

Clock::Instant SystemClock::now() const { return std::chrono::steady_clock::now(); }
Clock::Utc SystemClock::utc() const { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

bool SystemClock::synchronised() const {
    Instant const at = now();
    if (asked_ == Instant{} || at - asked_ > std::chrono::minutes(1)) {
        timex state{};
        int const answer = adjtimex(&state);  // -1 where a sandbox refuses the call: then nobody vouches for the clock
        synchronised_ = answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
        asked_ = at;
    }
    return synchronised_;
}

Task<void> SystemClock::sleep_until(Instant when) {
    boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, when);
    co_await timer.async_wait(boost::asio::use_awaitable);
}

void SystemEntropy::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        auto const got = getrandom(out.data(), out.size(), 0);
        if (got < 0) std::abort();  // the kernel's generator does not fail once it is seeded
        out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::string boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    return std::getline(file, id) && !id.empty() ? id : "unknown";
}

}  // namespace marrowlink
