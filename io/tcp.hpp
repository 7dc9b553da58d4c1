// Instruments on the network: serial device servers and readers with a socket. The gateway connects, or waits to be connected.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/transport.hpp"

namespace marrowlink {

// A silent peer is asked after so long, again and again at the interval, and is given up after so many unanswered questions: a peer that
// vanished without a word (cable, power) is noticed after about half a minute, and its connection ends with an error.
inline constexpr std::chrono::seconds tcp_keepalive_idle{10};
inline constexpr std::chrono::seconds tcp_keepalive_interval{5};
inline constexpr int tcp_keepalive_probes = 4;
inline constexpr std::chrono::seconds tcp_connect_max{10};  // then the attempt is given up, and the error says so

// Connects to "host", port.
class TcpClientFactory final : public TransportFactory {
 public:
    TcpClientFactory(boost::asio::any_io_executor loop, std::string host, std::uint16_t port);
    Task<Result<std::unique_ptr<Transport>>> open() override;
    std::string name() const override;

 private:
    boost::asio::any_io_executor loop_;
    std::string host_;
    std::uint16_t port_;
};

// Listens on "address", port (0: any free one) and hands out one connection at a time. The newest connection wins: it ends the one before
// it, whose reader is told `closed`. A dead peer therefore never blocks the port (field 36).
class TcpListenerFactory final : public TransportFactory {
 public:
    TcpListenerFactory(boost::asio::any_io_executor loop, std::string address, std::uint16_t port);
    ~TcpListenerFactory() override;
    TcpListenerFactory(TcpListenerFactory const&) = delete;
    TcpListenerFactory& operator=(TcpListenerFactory const&) = delete;

    // Waits for the next connection as long as it takes. `unavailable` when the address cannot be listened on.
    Task<Result<std::unique_ptr<Transport>>> open() override;
    std::string name() const override;

    Result<std::uint16_t> listen();  // done by open() when needed; returns the port

 private:
    struct Door;
    boost::asio::any_io_executor loop_;
    std::string address_;
    std::uint16_t port_;
    std::shared_ptr<Door> door_;
};

}  // namespace marrowlink
