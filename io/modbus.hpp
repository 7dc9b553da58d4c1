// A Modbus bus in the real world: RTU on a serial port, or TCP; libmodbus's one door. The library blocks, so each bus has a thread that
// only talks to it, and the loop posts to it. Sources: MODBUS over Serial Line V1.02, MODBUS Messaging on TCP/IP V1.0b.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "core/clock.hpp"
#include "core/modbus.hpp"
#include "io/serial.hpp"

namespace marrowlink {

// Questions that wait on one bus, the one being asked among them; a further one fails as `unavailable`, at once (field 47).
inline constexpr std::size_t modbus_queue_max = 64;
// A unit that did not answer is left in peace for its response timeout, then twice as long each time, up to the last. Others go on (field
// 48). What comes late meanwhile is another unit's answer or noise on an idle line, never the answer to its next question (field 43).
inline constexpr std::chrono::milliseconds modbus_unit_backoff_last{30'000};
// Between attempts to open a port; questions meanwhile fail at once with what was wrong.
inline constexpr std::chrono::milliseconds modbus_port_backoff_first{500};
inline constexpr std::chrono::milliseconds modbus_port_backoff_last{10'000};
// Gaps of 16 ms occur inside frames behind USB adapters; a frame whose next byte takes longer than this is cut.
inline constexpr std::chrono::milliseconds modbus_byte_gap_max{200};
// After a timeout or damage the line is listened to until it was silent for so long, but no longer than the second.
inline constexpr std::chrono::milliseconds modbus_silence_after_fault{30};
inline constexpr std::chrono::milliseconds modbus_drain_max{1'000};
// A TCP connection on which so many questions in a row found no answer is closed: its peer may be long gone.
inline constexpr int modbus_tcp_timeouts_max = 3;
inline constexpr std::chrono::seconds modbus_tcp_connect_max{5};

struct ModbusSerial {
    std::string path;
    int baud = 19'200;
    Parity parity = Parity::even;  // V1.02, 2.5.1: even is the standard; none takes two stop bits there, one in most devices
    int stop_bits = 1;
    friend bool operator==(ModbusSerial const&, ModbusSerial const&) = default;
};
struct ModbusTcp {
    std::string host;
    std::uint16_t port = 502;
    friend bool operator==(ModbusTcp const&, ModbusTcp const&) = default;
};
using ModbusPlace = std::variant<ModbusSerial, ModbusTcp>;
std::string describe(ModbusPlace const& place);  // "/dev/ttyUSB0 19200 8E1", "10.0.0.7:502"

// The rates that the library sets; it would take any other for 9600 without a word.
inline constexpr int modbus_bauds[] = {1'200, 2'400, 4'800, 9'600, 19'200, 38'400, 57'600, 115'200, 230'400, 460'800, 921'600};
constexpr bool is_modbus_baud(int baud) {
    for (int const known : modbus_bauds)
        if (baud == known) return true;
    return false;
}

class ModbusBus final : public ModbusMaster {
 public:
    // `clock` is asked for the time on the bus's own thread too. Nothing is opened before the first question.
    ModbusBus(boost::asio::any_io_executor loop, Clock const& clock, ModbusPlace place);
    ~ModbusBus() override;  // questions still waiting fail; waits for the thread, at most as long as a name look-up may take
    ModbusBus(ModbusBus const&) = delete;
    ModbusBus& operator=(ModbusBus const&) = delete;

    Task<Result<ModbusAnswer>> ask(ModbusRequest request) override;
    std::string name() const override;

 private:
    class Thread;
    std::shared_ptr<Thread> thread_;
};

}  // namespace marrowlink
