// A Modbus bus in memory: a ModbusMaster whose one device is a simulator's bank. Encodes requests by itself, so that neither libmodbus nor
// io/modbus takes part.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/modbus.hpp"
#include "drivers/modbus/simulator.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace marrowlink::modbus {

class MemoryBus final : public ModbusMaster {
 public:
    MemoryBus(Clock& clock, Bank& bank) : clock_(clock), bank_(bank) {}

    Task<Result<ModbusAnswer>> ask(ModbusRequest request) override {
        requests.push_back(request);
        auto const fit = check(request);
        if (!fit) co_return fail(fit.error());
        if (before) before(request);
        co_await clock_.sleep_for(latency);
        if (error) co_return fail(*error);
        if (mute) {
            co_await clock_.sleep_for(request.response_timeout);
            co_return fail(Fault::timed_out, "Unit 1 did not answer.");
        }
        if (exception != 0) co_return ModbusAnswer{exception, {}, latency};
        ModbusAnswer answer = decoded(request, bank_.answer(encoded(request)));
        if (lose_answer_to && *lose_answer_to == request.function) {
            lose_answer_to.reset();
            co_return fail(Fault::timed_out, "Unit 1 did not answer.");
        }
        co_return answer;
    }
    std::string name() const override { return "memory"; }

    std::deque<ModbusRequest> requests;
    std::function<void(ModbusRequest const&)> before;
    std::optional<Error> error;
    std::optional<ModbusFunction> lose_answer_to;  // carried out, and its answer is lost, once
    bool mute = false;
    std::uint8_t exception = 0;
    std::chrono::milliseconds latency{5};

 private:
    static std::string encoded(ModbusRequest const& request) {
        auto const function = static_cast<int>(request.function);
        int const second = function <= 4 ? request.count : function == 5 ? (request.values[0] ? 0xFF00 : 0) : request.values[0];
        std::string out;
        for (int const byte : {function, request.address >> 8, request.address & 0xFF, second >> 8, second & 0xFF})
            out += static_cast<char>(byte);
        return out;
    }
    ModbusAnswer decoded(ModbusRequest const& request, std::string const& reply) const {
        auto const byte = [&](std::size_t at) { return static_cast<unsigned>(static_cast<unsigned char>(reply[at])); };
        ModbusAnswer answer;
        answer.took = latency;
        if (byte(0) & 0x80) {
            answer.exception = static_cast<std::uint8_t>(byte(1));
            return answer;
        }
        if (!reads(request.function)) return answer;
        for (std::size_t i = 0; i < request.count; ++i) {
            bool const bits = is_of_bits(request.function);
            answer.values.push_back(
                static_cast<std::uint16_t>(bits ? byte(2 + i / 8) >> i % 8 & 1 : byte(2 + 2 * i) << 8 | byte(3 + 2 * i)));
        }
        return answer;
    }
    Clock& clock_;
    Bank& bank_;
};

}  // namespace marrowlink::modbus
