// An adapter in virtual time: the firmware's own logic over memory that keeps what was written, between an instrument's line and a bus.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "firmware/adapter.hpp"
#include "tests/sim/adapter_parts.hpp"
#include "tests/sim/modbus_line.hpp"

namespace marrowlink::sim {

class AdapterBox final : public ModbusLine {
 public:
    explicit AdapterBox(Clock& clock, std::uint32_t memory_bytes = 64u << 10, wire::adapter::Storage kind = wire::adapter::Storage::fram)
        : ModbusLine(clock), memory(memory_bytes, kind) {
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

    void poll() {
        with_power([this] { adapter_->poll(now_us()); });
    }

    AdapterMemory memory;

 private:
    Task<std::string> answer_to(std::string question, Clock& clock) override {
        if (!adapter_) co_return std::string{};
        bus_->say(question, now_us());
        poll();
        co_await clock.sleep_for(line_time);
        poll();
        co_return adapter_ ? std::exchange(bus_->heard, {}) : std::string{};
    }
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

    Clock::Instant began_;
    std::unique_ptr<AdapterUart> instrument_, bus_;
    std::unique_ptr<firmware::Adapter> adapter_;
};

}  // namespace marrowlink::sim
