// An adapter in virtual time: the firmware's own logic over memory that keeps what was written, an instrument's line, and a bus on which
// questions and answers can be lost. It is its own Modbus master.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/modbus.hpp"
#include "firmware/adapter.hpp"
#include "io/modbus_frame.hpp"
#include "tests/sim/adapter_parts.hpp"

namespace marrowlink::sim {

class AdapterBox final : public ModbusMaster {
 public:
    enum class Trouble : std::uint8_t { none, question_lost, answer_lost, answer_damaged };

    explicit AdapterBox(Clock& clock, std::uint32_t memory_bytes = 64u << 10, wire::adapter::Storage kind = wire::adapter::Storage::fram)
        : memory(memory_bytes, kind), clock_(clock) {
        power_on();
    }

    void power_on() {
        began_ = clock_.now();
        instrument_ = std::make_unique<AdapterUart>(2'048);
        bus_ = std::make_unique<AdapterUart>(512);
        firmware::Identity identity;
        identity.version = {0, 1};
        identity.reset_cause = wire::adapter::ResetCause::power;
        adapter_ = std::make_unique<firmware::Adapter>(memory, *instrument_, *bus_, identity);
        with_power([this] { adapter_->begin(now_us()); });
    }
    void power_off() {
        adapter_.reset();
        if (memory.kind() == wire::adapter::Storage::ram) std::fill(memory.memory.begin(), memory.memory.end(), std::uint8_t{0});
    }
    // Power goes when so many more bytes have been written to the memory.
    void power_off_after(std::uint64_t bytes) { memory.power_bytes = bytes; }
    bool powered() const { return adapter_ != nullptr; }

    // The instrument speaks; nobody hears it while power is off.
    void hear(std::string_view bytes) {
        if (!adapter_) return;
        instrument_->say(bytes, now_us());
        poll();
    }
    // What the adapter said to the instrument since the last call, also what it said before its power went.
    std::string said() {
        poll();
        return std::exchange(instrument_->heard, {});
    }
    firmware::Adapter const& adapter() const { return *adapter_; }

    Task<Result<ModbusAnswer>> ask(ModbusRequest request) override { return ask_by(clock_, std::move(request)); }
    // By a program with a clock of its own.
    Task<Result<ModbusAnswer>> ask_by(Clock& clock, ModbusRequest request) {
        auto const fit = check(request);
        if (!fit) co_return fail(fit.error());
        Trouble const trouble = next_trouble ? next_trouble() : Trouble::none;
        bool const here = adapter_ && adapter_->settings().unit == request.unit;
        std::string answer;
        if (here && trouble != Trouble::question_lost) {
            auto frame = encode(request);
            frame.resize(frame.size() + 2);
            wire::modbus::seal(frame, frame.size() - 2);
            for (std::uint8_t const byte : frame) bus_->say(byte, now_us());
            poll();
            co_await clock.sleep_for(line_time);
            poll();
            if (adapter_) answer = std::exchange(bus_->heard, {});
            if (answered) answered();
        }
        if (answer.empty() || trouble == Trouble::answer_lost) {
            co_await clock.sleep_for(request.response_timeout);
            co_return fail(Fault::timed_out, "The adapter did not answer in time.");
        }
        if (trouble == Trouble::answer_damaged) answer[answer.size() / 2] ^= 0x20;
        wire::Bytes const bytes(reinterpret_cast<std::uint8_t const*>(answer.data()), answer.size());
        if (!wire::modbus::whole(bytes)) co_return fail(Fault::refused, "The answer was damaged.");
        auto verdict = judge(request, bytes.first(bytes.size() - 2));
        if (!verdict.answer) co_return fail(Fault::refused, verdict.otherwise);
        co_return *verdict.answer;
    }
    std::string name() const override { return "simulated bus"; }

    void poll() {
        with_power([this] { adapter_->poll(now_us()); });
    }

    static constexpr std::chrono::milliseconds line_time{25};
    AdapterMemory memory;
    std::function<Trouble()> next_trouble;
    std::function<void()> answered;  // hears that a question was dealt with

 private:
    std::uint64_t now_us() const {
        return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(clock_.now() - began_).count()) + 1'000;
    }
    template <class Deed>
    void with_power(Deed deed) {
        if (!adapter_) return;
        try {
            deed();
        } catch (PowerLost const&) {
            power_off();
        }
    }

    Clock& clock_;
    Clock::Instant began_;
    std::unique_ptr<AdapterUart> instrument_, bus_;
    std::unique_ptr<firmware::Adapter> adapter_;
};

// The end of a bus that one program holds.
class AdapterBus final : public ModbusMaster {
 public:
    AdapterBus(AdapterBox& box, Clock& clock) : box_(box), clock_(clock) {}
    Task<Result<ModbusAnswer>> ask(ModbusRequest request) override { return box_.ask_by(clock_, std::move(request)); }
    std::string name() const override { return box_.name(); }

 private:
    AdapterBox& box_;
    Clock& clock_;
};

}  // namespace marrowlink::sim
