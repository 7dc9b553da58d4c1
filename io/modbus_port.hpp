// One open port of a Modbus bus and the frames on it, through libmodbus. Blocks; lives on the bus's thread. Who is asked when is decided in
// modbus.cpp.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "io/modbus.hpp"
#include "io/port_claim.hpp"

struct _modbus;

namespace marrowlink {

class ModbusPort {
 public:
    // `stopping` ends every wait within 50 ms.
    ModbusPort(ModbusPlace place, Clock const& clock, std::atomic<bool> const& stopping);
    ~ModbusPort();

    bool is_open() const { return context_ != nullptr; }
    Result<void> open();
    void close();

    // One question and its answer. Errors as in ModbusMaster::ask; after `unavailable` the port is closed.
    Result<ModbusAnswer> exchange(ModbusRequest const& request);

 private:
    struct Free {
        void operator()(_modbus* context) const;
    };
    using Context = std::unique_ptr<_modbus, Free>;
    enum class Ready : std::uint8_t { yes, no, gone };

    Result<void> open_serial(ModbusSerial const& serial);
    Result<void> open_tcp(ModbusTcp const& tcp);
    Ready readable(Clock::Instant until) const;
    // Throws away what comes until nothing came for so long, counted from `since`. `yes`: it fell silent; `no`: it did not within
    // modbus_drain_max.
    Ready silence(std::chrono::milliseconds span, Clock::Instant since);
    bool send(ModbusRequest const& request);
    Result<ModbusAnswer> await_answer(ModbusRequest const& request);
    tl::unexpected<Error> lost(int error);
    tl::unexpected<Error> unanswered(ModbusRequest const& request, std::string const& dropped);
    bool is_tcp() const { return std::holds_alternative<ModbusTcp>(place_); }

    ModbusPlace place_;
    Clock const& clock_;
    std::atomic<bool> const& stopping_;
    std::optional<PortClaim> claim_;
    Context context_;
    std::chrono::milliseconds frame_silence_{2};
    std::optional<Clock::Instant> answered_;  // when the last answer was here, if it was good
    std::uint16_t transaction_ = 0;           // TCP: of the last request
    int timeouts_ = 0;                        // in a row, on this connection
};

}  // namespace marrowlink
