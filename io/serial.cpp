#include "io/serial.hpp"

#include <fmt/format.h>
#include <termios.h>

#include <boost/asio/serial_port.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include "io/port_claim.hpp"
#include "io/stream_transport.hpp"

namespace marrowlink {
namespace {
using boost::asio::serial_port;

Result<void> make_raw(std::string const& path, int fd) {
    termios settings{};
    if (::tcgetattr(fd, &settings) != 0)
        return fail(Fault::configuration, fmt::format("{} is not a serial port ({}).", path, std::strerror(errno)));
    ::cfmakeraw(&settings);
    settings.c_iflag |= IGNPAR;
    settings.c_cflag |= CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    // Not TCSAFLUSH: what the instrument has sent already is not ours to throw away.
    if (::tcsetattr(fd, TCSANOW, &settings) != 0)
        return fail(Fault::unavailable, fmt::format("{} could not be set up: {}.", path, std::strerror(errno)));
    return {};
}

template <class Option>
Result<void> set(serial_port& port, std::string const& path, std::string_view what, Option option) {
    boost::system::error_code error;
    port.set_option(option, error);
    if (error) return fail(Fault::configuration, fmt::format("{} does not accept {}: {}.", path, what, error.message()));
    return {};
}

Result<void> configure(serial_port& port, SerialSettings const& s) {
    using base = boost::asio::serial_port_base;
    auto const parity = s.parity == Parity::none ? base::parity::none : s.parity == Parity::odd ? base::parity::odd : base::parity::even;
    auto const stop = s.stop_bits == 2 ? base::stop_bits::two : base::stop_bits::one;
    auto const flow = s.flow == FlowControl::none       ? base::flow_control::none
                      : s.flow == FlowControl::software ? base::flow_control::software
                                                        : base::flow_control::hardware;
    return set(port, s.path, fmt::format("{} baud", s.baud), base::baud_rate(s.baud))
        .and_then([&] { return set(port, s.path, fmt::format("{} data bits", s.data_bits), base::character_size(s.data_bits)); })
        .and_then([&] { return set(port, s.path, "this parity", base::parity(parity)); })
        .and_then([&] { return set(port, s.path, fmt::format("{} stop bits", s.stop_bits), base::stop_bits(stop)); })
        .and_then([&] { return set(port, s.path, "this flow control", base::flow_control(flow)); });
}
}  // namespace

std::string describe(SerialSettings const& s) {
    char const parity = s.parity == Parity::none ? 'N' : s.parity == Parity::odd ? 'O' : 'E';
    return fmt::format("{} {} {}{}{}", s.path, s.baud, s.data_bits, parity, s.stop_bits);
}

bool is_unstable_name(std::string const& path) { return path.rfind("/dev/ttyUSB", 0) == 0 || path.rfind("/dev/ttyACM", 0) == 0; }

SerialPortFactory::SerialPortFactory(boost::asio::any_io_executor loop, SerialSettings settings)
    : loop_(std::move(loop)), settings_(std::move(settings)) {}

std::string SerialPortFactory::name() const { return describe(settings_); }

Task<Result<std::unique_ptr<Transport>>> SerialPortFactory::open() {
    if (settings_.data_bits < 5 || settings_.data_bits > 8 || settings_.stop_bits < 1 || settings_.stop_bits > 2)
        co_return fail(Fault::configuration, fmt::format("{} asks for {} data and {} stop bits, expected 5 to 8 and 1 or 2.",
                                                         settings_.path, settings_.data_bits, settings_.stop_bits));
    auto claim = PortClaim::take(settings_.path);
    if (!claim) co_return fail(claim.error());
    claim->exclude_others();
    auto const raw = make_raw(settings_.path, claim->descriptor());
    if (!raw) co_return fail(raw.error());
    serial_port port{loop_};
    boost::system::error_code error;
    port.assign(claim->descriptor(), error);
    if (error) co_return fail(Fault::unavailable, fmt::format("{} could not be watched: {}.", settings_.path, error.message()));
    claim->release();
    auto const configured = configure(port, settings_);
    if (!configured) co_return fail(configured.error());
    std::unique_ptr<Transport> transport = std::make_unique<StreamTransport<serial_port>>(std::move(port), settings_.path);
    co_return transport;
}

}  // namespace marrowlink
