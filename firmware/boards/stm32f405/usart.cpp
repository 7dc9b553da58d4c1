#include "firmware/boards/stm32f405/usart.hpp"

#include "firmware/boards/stm32f405/clock.hpp"

namespace marrowlink::stm32f405 {
namespace {
using wire::adapter::Parity;
// RM0090 30.6.1 and 30.6.4.
constexpr std::uint32_t parity_error = 1u << 0, framing_error = 1u << 1, noise = 1u << 2, overrun = 1u << 3, received = 1u << 5,
                        complete = 1u << 6, transmit_empty = 1u << 7;
constexpr std::uint32_t enable = 1u << 13, nine_bits = 1u << 12, parity_on = 1u << 10, parity_odd = 1u << 9, interrupt_transmit = 1u << 7,
                        interrupt_complete = 1u << 6, interrupt_receive = 1u << 5, transmitter = 1u << 3, receiver = 1u << 2;
constexpr std::uint32_t two_stop_bits = 2u << 12;
}  // namespace

void UsartLine::configure(firmware::Line const& line, std::uint32_t clock_hz) {
    std::uint32_t control = enable | interrupt_receive | transmitter | receiver;
    bool const parity = line.parity != Parity::none;
    if (parity) control |= parity_on;
    if (line.parity == Parity::odd) control |= parity_odd;
    if (parity && line.data_bits == 8) control |= nine_bits;  // the parity bit counts as one
    mask_ = line.data_bits == 7 ? 0x7F : 0xFF;
    registers_.CR1 = 0;
    registers_.BRR = usart_divider(clock_hz, line.baud);
    registers_.CR2 = line.stop_bits == 2 ? two_stop_bits : 0;
    registers_.CR1 = control;
    interrupt_enable(irq_) = 1u << irq_ % 32;
    if (drives_) gpio_a().BSRR = pin_ << 16;
}

std::size_t UsartLine::send(wire::Bytes bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && outgoing_.push(bytes[taken])) ++taken;
    if (taken == 0) return 0;
    if (drives_) gpio_a().BSRR = pin_;
    // The interrupt is asked for twice: the chip raises it because the register is empty, QEMU only when it is pended.
    set_bits(registers_.CR1, interrupt_transmit);
    interrupt_pend(irq_) = 1u << irq_ % 32;
    return taken;
}

bool UsartLine::sent() const { return outgoing_.empty() && (registers_.SR & complete); }

// RTS is low when characters may come.
void UsartLine::ready_to_receive(bool ready) { gpio_a().BSRR = ready ? pin_ << 16 : pin_; }

bool UsartLine::take(firmware::Received& into) {
    std::uint32_t const status = registers_.SR;
    if (!(status & (received | overrun))) return false;
    into.at_us = static_cast<std::uint32_t>(now_us());
    into.byte = static_cast<std::uint8_t>(registers_.DR & mask_);  // reading it clears what the status said
    into.damaged = (status & (parity_error | framing_error | noise)) != 0;
    into.lost_before = lost_;
    // The character in the register is good; the one behind it is gone.
    lost_ = (status & overrun) != 0;
    if (lost_) ++losses.overruns;
    return (status & received) != 0;
}

void UsartLine::transmit() {
    std::uint8_t byte = 0;
    while (!outgoing_.empty() && (registers_.SR & transmit_empty)) {
        outgoing_.pop(byte);
        registers_.DR = byte;
    }
    if (!outgoing_.empty()) return;
    clear_bits(registers_.CR1, interrupt_transmit);
    if (!drives_) return;
    if (registers_.SR & complete) {
        gpio_a().BSRR = pin_ << 16;
        clear_bits(registers_.CR1, interrupt_complete);
    } else {
        set_bits(registers_.CR1, interrupt_complete);
    }
}

}  // namespace marrowlink::stm32f405
