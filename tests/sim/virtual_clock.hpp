// Time for tests: a Clock whose time stands still while anything is ready to run and jumps to the next sleeper when nothing is.
// A week passes in the time its events take to compute. Single-threaded: one io_context, driven by run_*() here and by nobody else.
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
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
#include "core/wake.hpp"

namespace marrowlink::sim {

// The wall clock of a new world: 2026-11-25T02:30:00Z.
inline constexpr Clock::Utc default_utc{std::chrono::milliseconds{1'795'573'800'000}};

// What will happen when, for everything in one world. Equal instants come in the order in which they were asked for.
class Timeline {
 public:
    using Instant = Clock::Instant;
    using Event = std::multimap<Instant, std::function<void()>>::iterator;

    Instant now() const { return now_; }
    Event at(Instant when, std::function<void()> what) { return events_.emplace(when, std::move(what)); }
    Event after(std::chrono::nanoseconds span, std::function<void()> what) { return at(now_ + span, std::move(what)); }
    void cancel(Event event) { events_.erase(event); }
    std::size_t size() const { return events_.size(); }

    // Time goes on to the next event, which happens. False: there is none up to `limit`.
    bool jump(Instant limit) {
        auto const first = events_.begin();
        if (first == events_.end() || first->first > limit) return false;
        now_ = std::max(now_, first->first);
        auto const what = std::move(first->second);
        events_.erase(first);
        what();
        return true;
    }
    void pass(Instant limit) { now_ = std::max(now_, limit); }

 private:
    // Not zero, so that code which treats a default Instant as "never" is caught by tests and not by chance.
    Instant now_{std::chrono::hours{1000}};
    std::multimap<Instant, std::function<void()>> events_;
};

class VirtualClock final : public Clock {
 public:
    explicit VirtualClock(boost::asio::io_context& loop, Utc start = default_utc)
        : VirtualClock(loop, std::make_shared<Timeline>(), start) {}
    // One of several clocks in a world: each machine's wall clock is its own, monotonic time is one.
    VirtualClock(boost::asio::io_context& loop, std::shared_ptr<Timeline> timeline, Utc start = default_utc)
        : loop_(loop), timeline_(std::move(timeline)), start_(start), began_(timeline_->now()) {}

    Instant now() const override { return timeline_->now(); }
    Utc utc() const override { return start_ + std::chrono::duration_cast<std::chrono::milliseconds>(now() - began_) + stepped_; }
    bool synchronised() const override { return synchronised_; }

    // `Instant::max()` sleeps until cancelled and never pulls time forward.
    Task<void> sleep_until(Instant when) override {
        // Even a sleep that is already over lets the others run, or a loop of such sleeps would starve them.
        Sleeper sleeper{timeline_, {}, false, {}};
        if (when != Instant::max()) {
            sleeper.place = timeline_->at(std::max(when, now()), [&sleeper] {
                sleeper.listed = false;
                sleeper.wake.announce();
            });
            sleeper.listed = true;
        }
        co_await sleeper.wake.beyond(0);
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
        while (timeline_->jump(limit)) settle();
        timeline_->pass(limit);
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
            if (!timeline_->jump(limit)) return false;
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

    std::size_t sleepers() const { return timeline_->size(); }
    boost::asio::io_context& loop() const { return loop_; }

 private:
    // Lives in the frame of the sleeping coroutine, which may be destroyed with the io_context, after the clock.
    struct Sleeper {
        std::shared_ptr<Timeline> timeline;
        Timeline::Event place;
        bool listed;
        Wake wake;
        ~Sleeper() {
            if (listed) timeline->cancel(place);
        }
    };

    boost::asio::io_context& loop_;
    std::shared_ptr<Timeline> timeline_;
    Utc start_;
    Instant began_;
    std::chrono::milliseconds stepped_{0};
    bool synchronised_ = true;
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
