#include "firmware/boards/stm32f405/clock.hpp"

#include "firmware/boards/stm32f405/registers.hpp"

namespace marrowlink::stm32f405 {
namespace {
constexpr int ready_tries = 100'000;  // of a few cycles each; an oscillator needs some milliseconds
std::uint32_t volatile milliseconds_low = 0, milliseconds_high = 0;
std::uint32_t ticks_per_ms = fallback_hz / 1'000;

bool ready(Register& status, std::uint32_t bit) {
    for (int i = 0; i < ready_tries; ++i)
        if (status & bit) return true;
    return false;
}
constexpr std::uint32_t hse_on = 1u << 16, hse_ready = 1u << 17, pll_on = 1u << 24, pll_ready = 1u << 25;
constexpr std::uint32_t pll_factors = 8u | 168u << 6 | 0u << 16 | 1u << 22 | 7u << 24;  // M, N, P = 2, from HSE, Q
constexpr std::uint32_t bus_dividers = 7u << 10 | 7u << 13;                             // APB1 and APB2: core / 16
constexpr std::uint32_t system_clock_pll = 2, system_clock_is_pll = 2u << 2;
constexpr std::uint32_t flash_5_wait_states_and_caches = 5u | 7u << 8;
}  // namespace

// After any reset HSI is on (RM0090 7.3.1): a clock control that reads zero is none.
bool emulated() { return rcc().CR == 0; }

Clocks start_clocks() {
    Clocks clocks{fallback_hz, fallback_hz};
    if (emulated()) {
        clocks.core_hz = core_hz;
    } else {
        set_bits(rcc().CR, hse_on);
        if (ready(rcc().CR, hse_ready)) {
            rcc().PLLCFGR = pll_factors;
            set_bits(rcc().CR, pll_on);
            if (ready(rcc().CR, pll_ready)) {
                flash().ACR = flash_5_wait_states_and_caches;
                set_bits(rcc().CFGR, bus_dividers);
                set_bits(rcc().CFGR, system_clock_pll);
                if (ready(rcc().CFGR, system_clock_is_pll)) clocks = {core_hz, bus_hz};
            }
        }
    }
    ticks_per_ms = clocks.core_hz / 1'000;
    systick().RVR = ticks_per_ms - 1;
    systick().CVR = 0;
    systick().CSR = 7;  // from the core clock, with its interrupt
    return clocks;
}

std::uint64_t now_us() {
    for (;;) {
        std::uint32_t const high = milliseconds_high, low = milliseconds_low;
        std::uint32_t const left = systick().CVR;
        // The count may have gone round while its interrupt could not come, as inside another.
        bool const pending = (scb().ICSR & 1u << 26) != 0;
        std::uint32_t const left_now = systick().CVR;
        if (high != milliseconds_high || low != milliseconds_low || left_now > left) continue;
        std::uint64_t const ms = (static_cast<std::uint64_t>(high) << 32 | low) + (pending ? 1 : 0);
        return ms * 1'000 + (ticks_per_ms - 1 - left_now) * 1'000 / ticks_per_ms;
    }
}

extern "C" void systick_handler() {
    std::uint32_t const next = milliseconds_low + 1;
    milliseconds_low = next;
    if (next == 0) milliseconds_high = milliseconds_high + 1;
}

}  // namespace marrowlink::stm32f405
