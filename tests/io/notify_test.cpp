#include "io/notify.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "service_manager.hpp"

using namespace marrowlink;
using namespace marrowlink::test;

namespace {
std::string name(char const* kind) { return std::string(kind) + "marrowlink-notify-test-" + std::to_string(::getpid()); }

}  // namespace

TEST_CASE("each state is one datagram, on a path and in the abstract namespace") {
    for (std::string const& socket : {name("/tmp/"), name("@")}) {
        ServiceManager const manager(socket);
        auto const notify = Notify::to(socket, std::chrono::seconds(30));
        INFO(socket);
        REQUIRE(notify);
        CHECK(notify->ready());
        CHECK(manager.heard() == "READY=1");
        CHECK(notify->alive());
        CHECK(manager.heard() == "WATCHDOG=1");
        CHECK(notify->status("3 instruments\nREADY=1"));
        CHECK(manager.heard() == "STATUS=3 instruments READY=1");
        CHECK(notify->status(std::string(5000, 'x')));
        CHECK(manager.heard() == "STATUS=" + std::string(1024, 'x'));
        CHECK(notify->stopping());
        CHECK(manager.heard() == "STOPPING=1");
        CHECK(manager.heard().empty());
        CHECK(notify->alive_period() == std::chrono::seconds(15));
    }
}

TEST_CASE("the environment says where to and how often") {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    auto const alone = Notify::from_environment();
    REQUIRE(alone);
    CHECK(alone->ready());
    CHECK_FALSE(alone->alive_period());

    ServiceManager const manager(name("@"));
    ::setenv("NOTIFY_SOCKET", name("@").c_str(), 1);
    ::setenv("WATCHDOG_USEC", "20000000", 1);
    auto const watched = Notify::from_environment();
    REQUIRE(watched);
    CHECK(watched->ready());
    CHECK(manager.heard() == "READY=1");
    CHECK(watched->alive_period() == std::chrono::seconds(10));

    ::setenv("WATCHDOG_PID", "1", 1);  // meant for another process
    auto const other = Notify::from_environment();
    REQUIRE(other);
    CHECK_FALSE(other->alive_period());
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("WATCHDOG_USEC", "soon", 1);
    auto const garbled = Notify::from_environment();
    REQUIRE(garbled);
    CHECK_FALSE(garbled->alive_period());
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
}

TEST_CASE("a socket that is not there is an error that names it, and so is a manager that went away") {
    auto const absent = Notify::to("/tmp/marrowlink-no-such-socket", std::nullopt);
    REQUIRE_FALSE(absent);
    CHECK(absent.error().fault == Fault::unavailable);
    CHECK_THAT(absent.error().message, Catch::Contains("/tmp/marrowlink-no-such-socket"));
    CHECK_FALSE(Notify::to(std::string(200, 'x'), std::nullopt));

    std::optional<ServiceManager> manager(std::in_place, name("@"));
    auto const notify = Notify::to(name("@"), std::nullopt);
    REQUIRE(notify);
    manager.reset();
    auto const sent = notify->ready();
    REQUIRE_FALSE(sent);
    CHECK(sent.error().fault == Fault::unavailable);
}
