#include "core/wake.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <catch2/catch.hpp>

#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
namespace asio = boost::asio;

TEST_CASE("an announcement between the look and the wait is not lost, one before the look is not heard again") {
    asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    Wake wake;
    int woken = 0;
    auto const seen = wake.count();
    wake.announce();
    asio::co_spawn(
        loop,
        [&]() -> Task<void> {
            co_await wake.beyond(seen);
            ++woken;
            co_await wake.beyond(wake.count());
            ++woken;
        },
        [](std::exception_ptr) {});
    clock.settle();
    CHECK(woken == 1);
    wake.announce();
    clock.settle();
    CHECK(woken == 2);
}

// An instrument that waited for two things at once and was taken out of the configuration ended the gateway.
TEST_CASE("whoever waits for an announcement or a time and is cancelled ends as cancelled (field 33)") {
    asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    Wake wake;
    asio::cancellation_signal cancel;
    std::exception_ptr failure;
    auto const wait = [&]() -> Task<void> {
        using namespace asio::experimental::awaitable_operators;
        for (;;) {
            auto sleep = clock.sleep_for(1h);
            auto word = wake.beyond(wake.count());
            co_await (std::move(sleep) || std::move(word));
        }
    };
    asio::co_spawn(loop, wait(), asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr ended) { failure = ended; }));
    clock.settle();
    wake.announce();
    clock.settle();
    REQUIRE_FALSE(failure);
    cancel.emit(asio::cancellation_type::terminal);
    clock.settle();
    REQUIRE(failure);
    try {
        std::rethrow_exception(failure);
    } catch (boost::system::system_error const& error) {
        CHECK(error.code() == asio::error::operation_aborted);
    } catch (...) {
        FAIL("it ended with another exception than cancellation");
    }
}

TEST_CASE("what waits on a loop ends with it") {
    Wake wake;
    auto witness = std::make_shared<int>(0);
    {
        asio::io_context loop{1};
        asio::co_spawn(
            loop, [&wake, held = witness]() -> Task<void> { co_await wake.beyond(0); }, [](std::exception_ptr) {});
        loop.poll();
        CHECK(witness.use_count() > 1);
    }
    CHECK(witness.use_count() == 1);
    wake.announce();
}
