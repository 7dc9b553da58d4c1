// Serial ports: RS-232, USB adapters, and pseudo-terminals for simulators. Boost.Asio's serial_port behind one door.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <string>

#include "core/transport.hpp"

namespace marrowlink {

enum class Parity : std::uint8_t { none, odd, even };
enum class FlowControl : std::uint8_t { none, software, hardware };

struct SerialSettings {
    std::string path;  // "/dev/serial/by-id/usb-FTDI_…": a name that stays with the device, not /dev/ttyUSB0
    std::uint32_t baud = 9600;
    unsigned data_bits = 8;  // 5 … 8
    Parity parity = Parity::none;
    unsigned stop_bits = 1;  // 1 or 2
    FlowControl flow = FlowControl::none;
};

// "/dev/ttyUSB0 9600 8N1"
std::string describe(SerialSettings const& settings);

// Opens the port for this process alone (flock, and TIOCEXCL on real ports), raw, with these settings. Errors name the port and what to do:
//   unavailable    not there (unplugged), held by another process (named, when /proc tells), no permission (the command that grants it)
//   configuration  not a serial port, or a setting that it does not accept
class SerialPortFactory final : public TransportFactory {
 public:
    SerialPortFactory(boost::asio::any_io_executor loop, SerialSettings settings);
    Task<Result<std::unique_ptr<Transport>>> open() override;
    std::string name() const override;

 private:
    boost::asio::any_io_executor loop_;
    SerialSettings settings_;
};

// True for names that the kernel deals out in the order of plugging, so that two adapters may swap them at the next start (field 41).
bool is_unstable_name(std::string const& path);

}  // namespace marrowlink
