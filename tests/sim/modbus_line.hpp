// A Modbus bus in virtual time with one device on it, on which questions and answers can be lost or damaged.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.hpp"
#include "core/modbus.hpp"
#include "io/modbus_frame.hpp"

namespace marrowlink::sim {

class ModbusLine : public ModbusMaster {
 public:
    enum class Trouble : std::uint8_t { none, question_lost, answer_lost, answer_damaged };

    explicit ModbusLine(Clock& clock) : clock_(clock) {}

    Task<Result<ModbusAnswer>> ask(ModbusRequest request) override { return ask_by(clock_, std::move(request)); }
    // By a program with a clock of its own.
    Task<Result<ModbusAnswer>> ask_by(Clock& clock, ModbusRequest request) {
        auto const fit = check(request);
        if (!fit) co_return fail(fit.error());
        Trouble const trouble = next_trouble ? next_trouble() : Trouble::none;
        std::string answer;
        if (trouble != Trouble::question_lost) {
            auto frame = encode(request);
            frame.resize(frame.size() + 2);
            wire::modbus::seal(frame, frame.size() - 2);
            std::string question{reinterpret_cast<char const*>(frame.data()), frame.size()};
            answer = co_await answer_to(std::move(question), clock);
            if (answered) answered();
        }
        if (answer.empty() || trouble == Trouble::answer_lost) {
            co_await clock.sleep_for(request.response_timeout);
            co_return fail(Fault::timed_out, "The device did not answer in time.");
        }
        if (trouble == Trouble::answer_damaged) answer[answer.size() / 2] ^= 0x20;
        wire::Bytes const bytes(reinterpret_cast<std::uint8_t const*>(answer.data()), answer.size());
        if (!wire::modbus::whole(bytes)) co_return fail(Fault::refused, "The answer was damaged.");
        auto verdict = judge(request, bytes.first(bytes.size() - 2));
        if (!verdict.answer) co_return fail(Fault::refused, verdict.otherwise);
        co_return *verdict.answer;
    }
    std::string name() const override { return "simulated bus"; }

    static constexpr std::chrono::milliseconds line_time{25};
    std::function<Trouble()> next_trouble;
    std::function<void()> answered;  // hears that a question was dealt with

 protected:
    // What the device says to a frame with its CRC, which it has when line_time has passed; nothing: it is off, or the frame is not for it.
    virtual Task<std::string> answer_to(std::string question, Clock& clock) = 0;

    Clock& clock_;
};

// The end of a line that one program holds.
class ModbusLineEnd final : public ModbusMaster {
 public:
    ModbusLineEnd(ModbusLine& line, Clock& clock) : line_(line), clock_(clock) {}
    Task<Result<ModbusAnswer>> ask(ModbusRequest request) override { return line_.ask_by(clock_, std::move(request)); }
    std::string name() const override { return line_.name(); }

 private:
    ModbusLine& line_;
    Clock& clock_;
};

}  // namespace marrowlink::sim
