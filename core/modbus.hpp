// What a Modbus device can be asked, and the port through which it is asked: a serial bus, a TCP connection, or a bus in a test.
// Source: MODBUS Application Protocol Specification V1.1b3 (clauses below); MODBUS over Serial Line V1.02 for unit addresses.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/task.hpp"

namespace marrowlink {

enum class ModbusFunction : std::uint8_t {
    read_coils = 1,                      // 6.1
    read_discrete_inputs = 2,            // 6.2
    read_holding_registers = 3,          // 6.3
    read_input_registers = 4,            // 6.4
    write_single_coil = 5,               // 6.5
    write_single_register = 6,           // 6.6
    write_multiple_coils = 15,           // 6.11
    write_multiple_registers = 16,       // 6.12
    read_write_multiple_registers = 23,  // 6.17; the write comes first
};
bool reads(ModbusFunction function);           // and writes nothing
bool answers_values(ModbusFunction function);  // it reads, whatever it writes before
bool is_of_bits(ModbusFunction function);
std::string_view words_of(ModbusFunction function);  // "read holding registers"

// Of one request, by the same clauses.
inline constexpr unsigned modbus_registers_read_max = 125;
inline constexpr unsigned modbus_registers_written_max = 123;
inline constexpr unsigned modbus_registers_read_and_written_max = 121;
inline constexpr unsigned modbus_bits_read_max = 2'000;
inline constexpr unsigned modbus_bits_written_max = 1'968;
inline constexpr std::chrono::milliseconds modbus_response_timeout_max{60'000};

struct ModbusRequest {
    std::uint8_t unit = 1;
    ModbusFunction function = ModbusFunction::read_holding_registers;
    std::uint16_t address = 0;                          // as on the wire, from 0: what a manual calls 40001 is 0
    std::uint16_t count = 1;                            // of registers or bits that are read
    std::vector<std::uint16_t> values;                  // that are written; bits are 0 or 1
    std::uint16_t write_address = 0;                    // of read_write_multiple_registers; everything else writes at `address`
    std::chrono::milliseconds response_timeout{1'000};  // from the last byte sent; longer than the device's slowest answer
};

// What came back from the device: what was asked for, or its own word why not.
struct ModbusAnswer {
    std::uint8_t exception = 0;         // 0: done. Else the code of clause 7
    std::vector<std::uint16_t> values;  // that were read; bits are 0 or 1
    std::chrono::microseconds took{0};  // from the last byte sent to the last byte received

    bool done() const { return exception == 0; }
    bool busy() const { return exception == 5 || exception == 6; }  // it works on something: ask again, nothing is wrong
};

// Exception codes in words, after clause 7 (7 after the older PI-MBUS-300): "2, no such address".
std::string words_of_exception(std::uint8_t code);

// `refused`, naming what is wrong, when no device could be asked this: counts beyond the limits, addresses beyond 65535, values missing.
Result<void> check(ModbusRequest const& request);

// One bus with its devices. Questions may be asked at any time, of any unit; the bus puts them in order.
class ModbusMaster {
 public:
    virtual ~ModbusMaster() = default;

    // The device's answer, or why there is none:
    //   timed_out    the unit did not answer within its response timeout
    //   refused      something came that is no answer to this question (damaged, of another function or length); or check() says so
    //   unavailable  the port is not there or not ours, with what to do; or the bus's queue is full
    // After timed_out and refused a request that writes may have been carried out all the same.
    virtual Task<Result<ModbusAnswer>> ask(ModbusRequest request) = 0;

    virtual std::string name() const = 0;  // for people: "/dev/ttyUSB0 19200 8E1", "10.0.0.7:502"
};

}  // namespace marrowlink
