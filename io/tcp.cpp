#include "io/tcp.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>
#include <variant>

#include "io/stream_transport.hpp"

namespace marrowlink {
namespace {
using boost::asio::ip::tcp;
using TcpTransport = StreamTransport<tcp::socket>;

void watch_over(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
    auto const set = [&socket](int option, int value) { ::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value); };
    set(TCP_KEEPIDLE, static_cast<int>(tcp_keepalive_idle.count()));
    set(TCP_KEEPINTVL, static_cast<int>(tcp_keepalive_interval.count()));
    set(TCP_KEEPCNT, tcp_keepalive_probes);
    // Keepalive does not run while bytes of ours wait for an answer.
    auto const unanswered = tcp_keepalive_idle + tcp_keepalive_interval * tcp_keepalive_probes;
    set(TCP_USER_TIMEOUT, static_cast<int>(std::chrono::milliseconds{unanswered}.count()));
}

std::string peer_of(tcp::socket const& socket) {
    boost::system::error_code error;
    auto const peer = socket.remote_endpoint(error);
    return error ? std::string{"a vanished peer"} : fmt::format("{}:{}", peer.address().to_string(), peer.port());
}

Task<boost::system::error_code> connect(tcp::socket& socket, std::string host, std::uint16_t port) {
    tcp::resolver resolver{socket.get_executor()};
    auto const [unknown, found] =
        co_await resolver.async_resolve(host, std::to_string(port), boost::asio::as_tuple(boost::asio::use_awaitable));
    if (unknown) co_return unknown;
    auto const [refused, endpoint] = co_await boost::asio::async_connect(socket, found, boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return refused;
}
}  // namespace

TcpClientFactory::TcpClientFactory(boost::asio::any_io_executor loop, std::string host, std::uint16_t port)
    : loop_(std::move(loop)), host_(std::move(host)), port_(port) {}

std::string TcpClientFactory::name() const { return fmt::format("{}:{}", host_, port_); }

Task<Result<std::unique_ptr<Transport>>> TcpClientFactory::open() {
    using namespace boost::asio::experimental::awaitable_operators;
    tcp::socket socket{loop_};
    boost::asio::steady_timer limit{loop_, tcp_connect_max};
    auto attempt = connect(socket, host_, port_);
    auto timer = limit.async_wait(boost::asio::use_awaitable);
    auto const first = co_await (std::move(attempt) || std::move(timer));
    if (first.index() == 1)
        co_return fail(Fault::unavailable, fmt::format("{} did not answer within {} s. Is the device switched on and its address right?",
                                                       name(), tcp_connect_max.count()));
    if (auto const error = std::get<0>(first))
        co_return fail(Fault::unavailable, fmt::format("{} could not be connected: {}. Is the device switched on and its address right?",
                                                       name(), error.message()));
    watch_over(socket);
    std::unique_ptr<Transport> transport = std::make_unique<TcpTransport>(std::move(socket), name());
    co_return transport;
}

struct TcpListenerFactory::Door {
    explicit Door(boost::asio::any_io_executor const& loop)
        : acceptor(loop), arrived(loop, boost::asio::steady_timer::time_point::max()), pause(loop) {}
    tcp::acceptor acceptor;
    boost::asio::steady_timer arrived;  // cancelled when somebody has come
    boost::asio::steady_timer pause;
    std::optional<tcp::socket> waiting;
    std::weak_ptr<TcpTransport::Line> current;

    static Task<void> answer(std::shared_ptr<Door> door) {
        constexpr std::chrono::milliseconds retry{200};  // after an error such as "too many open files", which passes
        while (door->acceptor.is_open()) {
            auto [error, socket] = co_await door->acceptor.async_accept(boost::asio::as_tuple(boost::asio::use_awaitable));
            if (!door->acceptor.is_open()) co_return;
            if (error) {
                boost::system::error_code ignored;
                door->pause.expires_after(retry);
                co_await door->pause.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
                continue;
            }
            watch_over(socket);
            if (auto const line = door->current.lock())
                line->close(fmt::format("{} gave way to a newer connection from {}.", line->name, peer_of(socket)));
            door->waiting.emplace(std::move(socket));
            door->arrived.cancel();
        }
    }
};

TcpListenerFactory::TcpListenerFactory(boost::asio::any_io_executor loop, std::string address, std::uint16_t port)
    : loop_(std::move(loop)), address_(std::move(address)), port_(port) {}

TcpListenerFactory::~TcpListenerFactory() {
    if (!door_) return;
    boost::system::error_code ignored;
    door_->acceptor.close(ignored);
    door_->pause.cancel();
    door_->arrived.cancel();
}

std::string TcpListenerFactory::name() const { return fmt::format("{}:{} (waiting for the instrument to connect)", address_, port_); }

Result<std::uint16_t> TcpListenerFactory::listen() {
    if (door_) return port_;
    boost::system::error_code error;
    auto const address = boost::asio::ip::make_address(address_, error);
    if (error)
        return fail(Fault::configuration,
                    fmt::format("\"{}\" is not an address to listen on, expected one like 0.0.0.0 or 127.0.0.1.", address_));
    auto door = std::make_shared<Door>(loop_);
    tcp::endpoint const here{address, port_};
    door->acceptor.open(here.protocol(), error);
    if (!error) door->acceptor.set_option(boost::asio::socket_base::reuse_address(true), error);
    if (!error) door->acceptor.bind(here, error);
    if (!error) door->acceptor.listen(8, error);
    if (error)
        return fail(Fault::unavailable, fmt::format("{}:{} cannot be listened on: {}. Who holds it: ss -ltnp 'sport = :{}'", address_,
                                                    port_, error.message(), port_));
    port_ = door->acceptor.local_endpoint(error).port();
    door_ = std::move(door);
    auto answering = Door::answer(door_);
    boost::asio::co_spawn(loop_, std::move(answering), boost::asio::detached);
    return port_;
}

Task<Result<std::unique_ptr<Transport>>> TcpListenerFactory::open() {
    auto const listening = listen();
    if (!listening) co_return fail(listening.error());
    auto const door = door_;
    while (!door->waiting) {
        if (!door->acceptor.is_open()) co_return fail(Fault::closed, "The listener was closed.");
        boost::system::error_code woken;
        co_await door->arrived.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
    }
    tcp::socket socket = std::move(*door->waiting);
    door->waiting.reset();
    std::string const name = peer_of(socket);
    auto transport = std::make_unique<TcpTransport>(std::move(socket), name);
    door->current = transport->line();
    co_return std::unique_ptr<Transport>{std::move(transport)};
}

}  // namespace marrowlink
