// The adapter on its board: an STM32F405, the instrument on USART1, the RS-485 bus on USART2, FRAM on SPI1. The same program runs in QEMU.
#include "firmware/adapter.hpp"
#include "firmware/boards/stm32f405/clock.hpp"
#include "firmware/boards/stm32f405/fram.hpp"
#include "firmware/boards/stm32f405/host_file.hpp"
#include "firmware/boards/stm32f405/ram.hpp"
#include "firmware/boards/stm32f405/startup.hpp"
#include "firmware/boards/stm32f405/usart.hpp"

using namespace marrowlink;
using namespace marrowlink::stm32f405;
namespace map = wire::adapter;

namespace {
constexpr unsigned rts_pin = 12, driver_enable_pin = 1;
constexpr std::uint32_t busy_bus_us = 5'000;  // while a request comes in, silence is measured closer than the next tick

UsartPort<2'048> instrument(usart1(), usart1_irq, rts_pin, false);
UsartPort<512> bus(usart2(), usart2_irq, driver_enable_pin, true);
Fram fram;
HostFile host_file;
Ram ram;

void start_pins() {
    set_bits(rcc().AHB1ENR, 1u << 0);              // port A
    set_bits(rcc().APB1ENR, 1u << 17 | 1u << 28);  // USART2, power control
    set_bits(rcc().APB2ENR, 1u << 4 | 1u << 12);   // USART1, SPI1
    constexpr std::uint32_t output = 1, alternate = 2;
    std::uint32_t modes = gpio_a().MODER;
    auto const mode = [&](unsigned pin, std::uint32_t is) { modes = (modes & ~(3u << 2 * pin)) | is << 2 * pin; };
    for (unsigned const pin : {driver_enable_pin, 4u, rts_pin}) mode(pin, output);
    for (unsigned const pin : {2u, 3u, 5u, 6u, 7u, 9u, 10u}) mode(pin, alternate);
    gpio_a().AFR[0] = 7u << 8 | 7u << 12 | 5u << 20 | 5u << 24 | 5u << 28;  // USART2 on 2 and 3, SPI1 on 5 to 7
    gpio_a().AFR[1] = 7u << 4 | 7u << 8;                                    // USART1 on 9 and 10
    gpio_a().MODER = modes;
    set_bits(pwr().CR, 1u << 4 | 6u << 5);  // watch the supply: 2.8 V and below no write is begun (RM0090 5.4.1)
}

map::ResetCause reset_cause() {
    if (after_fault()) return map::ResetCause::fault;
    std::uint32_t const flags = rcc().CSR;
    set_bits(rcc().CSR, 1u << 24);  // and forget them
    if (flags & 1u << 29) return map::ResetCause::watchdog;
    if (flags & 1u << 28) return map::ResetCause::software;
    if (flags & 1u << 27) return map::ResetCause::power;
    if (flags & 1u << 25) return map::ResetCause::brown_out;
    if (flags & 1u << 26) return map::ResetCause::pin;
    return map::ResetCause::unknown;
}

firmware::Identity identity() {
    firmware::Identity out;
    out.version = {MARROWLINK_VERSION_MAJOR, MARROWLINK_VERSION_MINOR};
    out.patch = MARROWLINK_VERSION_PATCH;
    out.board = emulated() ? map::Board::qemu : map::Board::stm32f405;
    for (unsigned i = 0; i < 3; ++i) {
        std::uint32_t const word = probe(unique_id + 4 * i, 0);
        out.hardware_id[2 * i] = static_cast<std::uint16_t>(word >> 16);
        out.hardware_id[2 * i + 1] = static_cast<std::uint16_t>(word);
    }
    out.fault = fault_block();
    out.reset_cause = reset_cause();
    return out;
}

// Semihosting without a host is a fault, so it is tried only where one must be there.
firmware::Storage& storage() {
    if (fram.start()) return fram;
    bool const host = emulated() || (debug_halting_control() & 1u);
    if (host && host_file.start()) return host_file;
    return ram;
}

void start_watchdog() {
    iwdg().KR = 0x5555;
    iwdg().PR = 4;       // 32 kHz / 64
    iwdg().RLR = 1'000;  // two seconds
    iwdg().KR = 0xCCCC;
}
void feed_watchdog() { iwdg().KR = 0xAAAA; }
}  // namespace

extern "C" void usart1_handler() { instrument.interrupt(); }
extern "C" void usart2_handler() { bus.interrupt(); }

int main() {
    Clocks const clocks = start_clocks();
    start_pins();
    instrument.start(clocks.bus_hz);
    bus.start(clocks.bus_hz);
    static firmware::Adapter adapter(storage(), instrument, bus, identity());
    start_watchdog();
    adapter.begin(now_us());
    std::uint64_t awake_until_us = 0;
    for (;;) {
        if (bus.waiting() > 0) awake_until_us = now_us() + busy_bus_us;
        adapter.poll(now_us());
        feed_watchdog();
        if (now_us() > awake_until_us) asm volatile("wfi");
    }
}
