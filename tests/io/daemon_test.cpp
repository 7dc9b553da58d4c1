#include "io/daemon.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>

#include "io/system.hpp"
#include "service_manager.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace marrowlink::test;

namespace {
// What `systemctl` or a terminal does, while the loop runs.
void send(boost::asio::io_context& loop, int signal) {
    boost::asio::post(loop, [signal] { ::raise(signal); });
}

Task<void> note(bool& ended) {
    ended = true;
    co_return;
}
}  // namespace

TEST_CASE("SIGHUP reloads and goes on; SIGTERM and SIGINT end in order, then the loop stops") {
    for (int const last : {SIGTERM, SIGINT}) {
        boost::asio::io_context loop(1);
        SystemClock clock;
        int reloads = 0;
        bool ended = false;
        Daemon daemon(loop, clock,
                      {[&] {
                           ++reloads;
                           send(loop, reloads < 3 ? SIGHUP : last);
                       },
                       [&] { return note(ended); },
                       {}});
        daemon.hear_signals();
        send(loop, SIGHUP);
        loop.run();  // returns only because the end stopped it
        CHECK(reloads == 3);
        CHECK(ended);
    }
}

TEST_CASE("a second SIGTERM does not wait for an end that hangs") {
    boost::asio::io_context loop(1);
    SystemClock clock;
    bool began = false;
    Daemon daemon(loop, clock,
                  {[] {},
                   [&] {
                       began = true;
                       send(loop, SIGTERM);
                       return clock.sleep_until(Clock::Instant::max());
                   },
                   {}});
    daemon.hear_signals();
    send(loop, SIGTERM);
    loop.run();
    CHECK(began);
}

TEST_CASE("the service manager hears that the program is ready, that its loop turns, how it stands, and that it stops") {
    std::string const name = "@marrowlink-daemon-test-" + std::to_string(::getpid());
    ServiceManager const manager(name);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    ::setenv("WATCHDOG_USEC", "20000000", 1);
    ::unsetenv("WATCHDOG_PID");
    boost::asio::io_context loop(1);
    sim::VirtualClock clock(loop);
    int waiting = 7;
    bool ended = false;
    Daemon daemon(loop, clock, {[] {}, [&] { return note(ended); }, [&] { return std::to_string(waiting) + " records wait"; }});
    daemon.hear_signals();
    auto const told = daemon.ready("page on 127.0.0.1:8080");
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    REQUIRE(told);
    CHECK(manager.heard() == "STATUS=page on 127.0.0.1:8080");
    CHECK(manager.heard() == "READY=1");
    clock.run_for(std::chrono::milliseconds(9'999));
    CHECK(manager.heard().empty());
    clock.run_for(std::chrono::milliseconds(1));
    CHECK(manager.heard() == "WATCHDOG=1");
    CHECK(manager.heard() == "STATUS=7 records wait");
    waiting = 0;
    clock.run_for(std::chrono::seconds(10));
    CHECK(manager.heard() == "WATCHDOG=1");
    CHECK(manager.heard() == "STATUS=0 records wait");
    send(loop, SIGTERM);
    clock.settle();
    CHECK(manager.heard() == "STOPPING=1");
    CHECK(ended);
}

TEST_CASE("a service manager that cannot be told is an error when the program is ready") {
    ::setenv("NOTIFY_SOCKET", "/nowhere/marrowlink", 1);
    boost::asio::io_context loop(1);
    sim::VirtualClock clock(loop);
    Daemon daemon(loop, clock, {});
    auto const told = daemon.ready("page");
    ::unsetenv("NOTIFY_SOCKET");
    REQUIRE_FALSE(told);
    CHECK(told.error().fault == Fault::unavailable);
}
