#include "io/tcp.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <optional>

#include "io/stream_transport.hpp"
#include "io/system.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {
struct Net {
    boost::asio::io_context loop{1};
    SystemClock clock;

    template <class T>
    std::shared_ptr<std::optional<T>> begin(Task<T> task) {
        auto value = std::make_shared<std::optional<T>>();
        boost::asio::co_spawn(loop, std::move(task), [value](std::exception_ptr e, T v) {
            if (!e) value->emplace(std::move(v));
        });
        return value;
    }
    template <class T>
    T& wait(std::shared_ptr<std::optional<T>> const& value) {
        loop.restart();
        while (!*value && loop.run_one_for(10s) > 0) {
        }
        REQUIRE(*value);
        return **value;
    }
    template <class T>
    T run(Task<T> task) {
        auto const value = begin(std::move(task));
        return std::move(wait(value));
    }
    Result<std::string> read(Transport& from) {
        std::byte buffer[64];
        auto const n = run(from.read_some(buffer, clock.now() + 5s));
        if (!n) return fail(n.error());
        return std::string{reinterpret_cast<char const*>(buffer), *n};
    }
    Result<void> write(Transport& to, std::string_view text) { return run(to.write(std::as_bytes(std::span{text.data(), text.size()}))); }
};

struct Ends {
    std::unique_ptr<Transport> near, far;
};
Ends connected(Net& net) {
    TcpListenerFactory listener{net.loop.get_executor(), "127.0.0.1", 0};
    auto const port = listener.listen();
    REQUIRE(port);
    TcpClientFactory client{net.loop.get_executor(), "127.0.0.1", *port};
    auto const accepted = net.begin(listener.open());
    auto near = net.run(client.open());
    REQUIRE(near);
    auto far = std::move(net.wait(accepted));
    REQUIRE(far);
    return {std::move(*near), std::move(*far)};
}
}  // namespace

TEST_CASE("a client and a listener speak, and the end of one is the end of the other") {
    Net net;
    auto [near, far] = connected(net);
    REQUIRE(net.write(*near, "hello"));
    CHECK(net.read(*far).value() == "hello");
    REQUIRE(net.write(*far, "back"));
    CHECK(net.read(*near).value() == "back");
    near.reset();
    auto const end = net.read(*far);
    REQUIRE_FALSE(end);
    CHECK(end.error().fault == Fault::closed);
}

TEST_CASE("a read that is interrupted ends at once and loses nothing, and without one nothing happens") {
    Net net;
    auto [near, far] = connected(net);
    near->interrupt();
    REQUIRE(net.write(*far, "one"));
    CHECK(net.read(*near).value() == "one");
    std::byte buffer[64];
    for (auto const deadline : {Clock::Instant::max(), net.clock.now() + 5s}) {
        auto const waiting = net.begin(near->read_some(buffer, deadline));
        net.loop.restart();
        net.loop.poll();
        REQUIRE_FALSE(*waiting);
        auto const before = net.clock.now();
        near->interrupt();
        auto const& ended = net.wait(waiting);
        REQUIRE_FALSE(ended);
        CHECK(ended.error().fault == Fault::timed_out);
        CHECK(net.clock.now() - before < 4s);
        REQUIRE(net.write(*far, "two"));
        CHECK(net.read(*near).value() == "two");
    }
}

TEST_CASE("the newest connection wins; a dead peer never blocks the port (field 36)") {
    Net net;
    TcpListenerFactory listener{net.loop.get_executor(), "127.0.0.1", 0};
    auto const port = listener.listen();
    REQUIRE(port);
    TcpClientFactory client{net.loop.get_executor(), "127.0.0.1", *port};
    auto const accepted = net.begin(listener.open());
    auto dead = net.run(client.open());  // never speaks and never closes
    REQUIRE(dead);
    auto first = std::move(net.wait(accepted));
    REQUIRE(first);
    std::byte buffer[64];
    auto const reading = net.begin((*first)->read_some(buffer, Clock::Instant::max()));
    auto alive = net.run(client.open());
    REQUIRE(alive);
    auto const& ended = net.wait(reading);
    REQUIRE_FALSE(ended);
    CHECK(ended.error().fault == Fault::closed);
    CHECK(ended.error().message.find("gave way to a newer connection from 127.0.0.1:") != std::string::npos);
    auto second = net.run(listener.open());
    REQUIRE(second);
    REQUIRE(net.write(**alive, "I am here"));
    CHECK(net.read(**second).value() == "I am here");
    CHECK_FALSE(net.read(**dead));
}

TEST_CASE("of several that connect before anybody asks, the last is handed out") {
    Net net;
    TcpListenerFactory listener{net.loop.get_executor(), "127.0.0.1", 0};
    auto const port = listener.listen();
    REQUIRE(port);
    TcpClientFactory client{net.loop.get_executor(), "127.0.0.1", *port};
    std::vector<std::unique_ptr<Transport>> callers;
    for (int n = 0; n < 3; ++n) {
        auto caller = net.run(client.open());
        REQUIRE(caller);
        callers.push_back(std::move(*caller));
        REQUIRE(net.write(*callers.back(), std::to_string(n)));
    }
    net.loop.restart();
    net.loop.run_for(50ms);
    auto got = net.run(listener.open());
    REQUIRE(got);
    CHECK(net.read(**got).value() == "2");
    CHECK_FALSE(net.read(*callers[0]));
}

TEST_CASE("both sides are watched by keepalive (field 36)") {
    Net net;
    TcpListenerFactory listener{net.loop.get_executor(), "127.0.0.1", 0};
    TcpClientFactory client{net.loop.get_executor(), "127.0.0.1", listener.listen().value()};
    auto const accepted = net.begin(listener.open());
    auto near = net.run(client.open());
    REQUIRE(near);
    auto far = std::move(net.wait(accepted));
    REQUIRE(far);
    for (Transport* const end : {near->get(), far->get()}) {
        auto* const stream = dynamic_cast<StreamTransport<boost::asio::ip::tcp::socket>*>(end);
        REQUIRE(stream);
        int const fd = stream->stream().native_handle();
        auto const option = [fd](int level, int name) {
            int value = 0;
            socklen_t size = sizeof value;
            REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
            return value;
        };
        CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
        CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) == tcp_keepalive_idle.count());
        CHECK(option(IPPROTO_TCP, TCP_KEEPINTVL) == tcp_keepalive_interval.count());
        CHECK(option(IPPROTO_TCP, TCP_KEEPCNT) == tcp_keepalive_probes);
        CHECK(option(IPPROTO_TCP, TCP_USER_TIMEOUT) == 30'000);
    }
}

TEST_CASE("nobody there, and an address that cannot be listened on, are named") {
    Net net;
    TcpListenerFactory listener{net.loop.get_executor(), "127.0.0.1", 0};
    auto const port = listener.listen();
    REQUIRE(port);
    TcpListenerFactory same{net.loop.get_executor(), "127.0.0.1", *port};
    auto const taken = net.run(same.open());
    REQUIRE_FALSE(taken);
    CHECK(taken.error().fault == Fault::unavailable);
    CHECK(taken.error().message.find("ss -ltnp") != std::string::npos);
    TcpListenerFactory nonsense{net.loop.get_executor(), "reader.local", 1};
    CHECK(net.run(nonsense.open()).error().fault == Fault::configuration);
    std::uint16_t free = 0;
    {
        TcpListenerFactory brief{net.loop.get_executor(), "127.0.0.1", 0};
        free = brief.listen().value();
    }
    TcpClientFactory nobody{net.loop.get_executor(), "127.0.0.1", free};
    auto const refused = net.run(nobody.open());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::unavailable);
    CHECK(refused.error().message.find("127.0.0.1:" + std::to_string(free)) != std::string::npos);
}
