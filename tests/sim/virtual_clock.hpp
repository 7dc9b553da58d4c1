// Time for tests: a Clock whose time stands still while anything is ready to run and jumps to the next sleeper when nothing is.
// A week passes in the time its events take to compute. Single-threaded: one io_context, driven by run_*() here and by nobody else.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "core/clock.hpp"

namespace marrowlink::sim {

// The wall clock of a new world: 2026-11-25T02:30:00Z.
inline constexpr Clock::Utc default_utc{std::chrono::milliseconds{1'795'573'800'000}};

class VirtualClock final : public Clock {
 public:
    explicit VirtualClock(boost::asio::io_context& loop, Utc start = default_utc) : loop_(loop), start_(start) {}

    Instant now() const override { return state_->now; }
    Utc utc() const override { return start_ + std::chrono::duration_cast<std::chrono::milliseconds>(state_->now - epoch()) + stepped_; }
    bool synchronised() const override { return synchronised_; }

    // `Instant::max()` sleeps until cancelled and never pulls time forward.
    Task<void> sleep_until(Instant when) override {
        if (when <= state_->now) {
            // Even a sleep that is already over lets the others run, or a loop of such sleeps would starve them.
            when = state_->now;
        }
        auto const executor = co_await boost::asio::this_coro::executor;
        Sleeper sleeper{state_, boost::asio::steady_timer{executor, boost::asio::steady_timer::time_point::max()}, {}, false};
        if (when != Instant::max()) {
            sleeper.place = state_->sleepers.emplace(when, &sleeper);
            sleeper.listed = true;
        }
        boost::system::error_code ignored;
        co_await sleeper.timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        if (sleeper.listed || when == Instant::max()) throw boost::system::system_error(boost::asio::error::operation_aborted);
    }

    // The wall clock steps, as after an NTP correction or a flat battery; monotonic time does not notice.
    void step_utc(std::chrono::milliseconds by) { stepped_ += by; }
    void set_synchronised(bool yes) { synchronised_ = yes; }

    // Runs everything that is ready; time stands still. Returns how many handlers ran.
    std::size_t settle() {
        std::size_t total = 0;
        for (;;) {
            loop_.restart();
            std::size_t const ran = loop_.poll();
            if (ran == 0) return total;
            total += ran;
        }
    }

    // Runs until `limit` of virtual time; time stands at `limit` afterwards, whether or not anybody slept that long.
    void run_until(Instant limit) {
        settle();
        while (jump(limit)) settle();
        if (state_->now < limit) state_->now = limit;
    }
    void run_for(std::chrono::milliseconds span) { run_until(now() + span); }

    // Runs until `done()` holds after a handler has run. False: `span` passed first, or nothing was left that could make it true.
    bool run_until_true(std::function<bool()> const& done, std::chrono::milliseconds span = std::chrono::hours{1}) {
        Instant const limit = now() + span;
        for (;;) {
            for (;;) {
                if (done()) return true;
                loop_.restart();
                if (loop_.poll_one() == 0) break;
            }
            if (!jump(limit)) return false;
        }
    }

    // Starts `task` and runs the world until it has ended. Throws what it throws; throws when `span` of virtual time is not enough.
    template <class T>
    T finish(Task<T> task, std::chrono::milliseconds span = std::chrono::hours{1}) {
        if constexpr (std::is_void_v<T>) {
            auto ended = std::make_shared<std::pair<bool, std::exception_ptr>>();
            boost::asio::co_spawn(loop_, std::move(task), [ended](std::exception_ptr e) { *ended = {true, e}; });
            if (!run_until_true([&] { return ended->first; }, span)) throw std::runtime_error("the task did not end in time");
            if (ended->second) std::rethrow_exception(ended->second);
        } else {
            struct Ended {
                std::optional<T> value;
                std::exception_ptr error;
            };
            auto ended = std::make_shared<Ended>();
            boost::asio::co_spawn(loop_, std::move(task), [ended](std::exception_ptr e, T value) {
                if (e)
                    ended->error = e;
                else
                    ended->value.emplace(std::move(value));
            });
            if (!run_until_true([&] { return ended->value || ended->error; }, span))
                throw std::runtime_error("the task did not end in time");
            if (ended->error) std::rethrow_exception(ended->error);
            return std::move(*ended->value);
        }
    }

    std::size_t sleepers() const { return state_->sleepers.size(); }
    boost::asio::io_context& loop() const { return loop_; }

 private:
    struct Sleeper;
    struct State {
        Instant now = epoch();
        std::multimap<Instant, Sleeper*> sleepers;  // equal instants wake in the order in which they fell asleep
    };
    // Lives in the frame of the sleeping coroutine, which may be destroyed with the io_context, after the clock.
    struct Sleeper {
        std::shared_ptr<State> state;
        boost::asio::steady_timer timer;
        std::multimap<Instant, Sleeper*>::iterator place;
        bool listed;
        ~Sleeper() {
            if (listed) state->sleepers.erase(place);
        }
    };

    // Not zero, so that code which treats a default Instant as "never" is caught by tests and not by chance.
    static constexpr Instant epoch() { return Instant{std::chrono::hours{1000}}; }

    bool jump(Instant limit) {
        auto const first = state_->sleepers.begin();
        if (first == state_->sleepers.end() || first->first > limit) return false;
        if (first->first > state_->now) state_->now = first->first;
        Sleeper* const sleeper = first->second;
        state_->sleepers.erase(first);
        sleeper->listed = false;
        sleeper->timer.cancel();
        return true;
    }

    boost::asio::io_context& loop_;
    Utc start_;
    std::chrono::milliseconds stepped_{0};
    bool synchronised_ = true;
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

// Randomness from a seed: the same seed is the same world. SplitMix64.
class SeededEntropy final : public Entropy {
 public:
    explicit SeededEntropy(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    // 0 … bound − 1.
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    bool one_in(std::uint64_t n) { return n != 0 && below(n) == 0; }
    void fill(std::span<std::byte> out) override {
        for (std::byte& b : out) b = static_cast<std::byte>(next());
    }

 private:
    std::uint64_t state_;
};

}  // namespace marrowlink::sim
