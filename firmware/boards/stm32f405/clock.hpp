// Clocks of the chip, and time since the start.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace marrowlink::stm32f405 {

// With the crystal: 8 MHz × 168 / 8 / 2 / 8. The buses are slow so that USARTDIV reaches 300 baud. Without it the chip's own 16 MHz serve
// all.
inline constexpr std::uint32_t core_hz = 168'000'000, bus_hz = 10'500'000, fallback_hz = 16'000'000;

struct Clocks {
    std::uint32_t core_hz, bus_hz;
};

// QEMU's netduinoplus2 has no clock control, and its core runs at 168 MHz.
bool emulated();
Clocks start_clocks();
std::uint64_t now_us();

// USARTDIV for sixteenfold sampling (RM0090 30.3.4).
constexpr std::uint32_t usart_divider(std::uint32_t clock_hz, std::uint32_t baud) { return (clock_hz + baud / 2) / baud; }
constexpr std::uint32_t baud_error_per_mille(std::uint32_t clock_hz, std::uint32_t baud) {
    std::uint32_t const real = clock_hz / usart_divider(clock_hz, baud);
    return (real > baud ? real - baud : baud - real) * 1'000 / baud;
}
constexpr bool bauds_can_be_made(std::uint32_t clock_hz) {
    for (std::uint32_t const baud : {600u, 1'200u, 2'400u, 4'800u, 9'600u, 14'400u, 19'200u, 38'400u, 57'600u, 115'200u})
        if (usart_divider(clock_hz, baud) > 0xFFFF || usart_divider(clock_hz, baud) < 16 || baud_error_per_mille(clock_hz, baud) > 10)
            return false;
    return true;
}
static_assert(bauds_can_be_made(bus_hz) && bauds_can_be_made(fallback_hz));
static_assert(usart_divider(bus_hz, 300) <= 0xFFFF && usart_divider(fallback_hz, 300) <= 0xFFFF);

}  // namespace marrowlink::stm32f405
