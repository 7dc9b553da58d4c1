// A USART whose interrupt fills one ring and empties another.
#pragma once

#include "firmware/boards/stm32f405/registers.hpp"
#include "firmware/uart.hpp"
#include "wire/ring.hpp"

namespace marrowlink::stm32f405 {

inline constexpr std::size_t transmit_ring_bytes = 512;

// What does not depend on how large the receiving ring is.
class UsartLine {
 public:
    UsartLine(Usart& registers, unsigned irq, unsigned pin, bool pin_is_driver_enable)
        : registers_(registers), irq_(irq), pin_(1u << pin), drives_(pin_is_driver_enable) {}

    void configure(firmware::Line const& line, std::uint32_t clock_hz);
    std::size_t send(wire::Bytes bytes);
    bool sent() const;
    void ready_to_receive(bool ready);

    // In the interrupt. True: `into` has a character.
    bool take(firmware::Received& into);
    void transmit();

    firmware::Losses losses;

 private:
    Usart& registers_;
    unsigned irq_;
    std::uint32_t pin_;  // of port A: RTS of the instrument's line, or driver enable of the RS-485 bus
    bool drives_;
    std::uint8_t mask_ = 0xFF;
    bool lost_ = false;
    wire::Ring<std::uint8_t, transmit_ring_bytes> outgoing_;

 public:
    void lost() { lost_ = true; }
};

template <std::size_t RingCharacters>
class UsartPort final : public firmware::Uart {
 public:
    UsartPort(Usart& registers, unsigned irq, unsigned pin, bool pin_is_driver_enable) : line_(registers, irq, pin, pin_is_driver_enable) {}

    void start(std::uint32_t clock_hz) { clock_hz_ = clock_hz; }
    void configure(firmware::Line const& line) override { line_.configure(line, clock_hz_); }
    bool receive(firmware::Received& into) override { return incoming_.pop(into); }
    std::size_t waiting() const override { return incoming_.size(); }
    std::size_t room() const override { return incoming_.room(); }
    std::size_t send(wire::Bytes bytes) override { return line_.send(bytes); }
    bool sent() const override { return line_.sent(); }
    void ready_to_receive(bool ready) override { line_.ready_to_receive(ready); }
    firmware::Losses losses() const override { return line_.losses; }

    void interrupt() {
        firmware::Received received;
        if (line_.take(received) && !incoming_.push(received)) {
            ++line_.losses.refused;
            line_.lost();
        }
        line_.transmit();
    }

 private:
    UsartLine line_;
    std::uint32_t clock_hz_ = 0;
    wire::Ring<firmware::Received, RingCharacters> incoming_;
};

}  // namespace marrowlink::stm32f405
