// One program on one machine of the simulated world: its loop, its store thread's work and its clock. It can be stopped between any two
// turns, as SIGKILL does: what was suspended is destroyed, nothing more of it runs.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>

#include "virtual_clock.hpp"

namespace marrowlink::sim {

class Loop : public boost::asio::io_context {
 public:
    // One thread runs everything of the world: no lock is needed.
    Loop() : boost::asio::io_context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE), work_(boost::asio::make_work_guard(*this)) {}
    ~Loop() { end(); }
    bool turn() { return !ended_ && poll_one() > 0; }
    void end() {
        if (std::exchange(ended_, true)) return;
        work_.reset();
        shutdown();
    }

 private:
    bool ended_ = false;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
};

struct Process {
    Process(std::string its_name, std::shared_ptr<Timeline> timeline, Clock::Utc utc)
        : name(std::move(its_name)), clock(loop, std::move(timeline), utc) {}
    Process(Process const&) = delete;

    std::string name;
    Loop loop, store;
    VirtualClock clock;
    Clock::Instant store_free{};   // the disk is slow: what was handed to the store begins then
    std::uint64_t kill_after = 0;  // turns more; 0: never
    bool gave_up = false;          // it ended itself

    // Its objects must still be alive: what unwinds may refer to them.
    void end() {
        store.end();
        loop.end();
    }
};

}  // namespace marrowlink::sim
