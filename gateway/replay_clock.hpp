// Time that passes only when nothing else is left to do: what took an hour is over at once.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <map>

#include "core/clock.hpp"

namespace marrowlink {

class ReplayClock final : public Clock {
 public:
    Instant now() const override { return now_; }
    Utc utc() const override;  // since 1970
    bool synchronised() const override { return true; }
    Task<void> sleep_until(Instant when) override;

    // Goes on to whoever wakes next. False: nobody sleeps.
    bool jump();

 private:
    struct Sleeper;
    static constexpr Instant origin{std::chrono::hours{1}};
    std::multimap<Instant, Sleeper*> sleepers_;
    Instant now_ = origin;
};

}  // namespace marrowlink
