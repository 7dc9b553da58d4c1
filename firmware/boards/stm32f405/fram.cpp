#include "firmware/boards/stm32f405/fram.hpp"

#include <algorithm>
#include <array>

#include "firmware/boards/stm32f405/registers.hpp"

namespace marrowlink::stm32f405 {
namespace {
// Data sheet, "Opcode commands".
constexpr std::uint8_t write_enable = 0x06, write = 0x02, read_opcode = 0x03, read_identity = 0x9F, read_status = 0x05;
constexpr std::uint8_t status_write_enabled = 0x02;
constexpr std::array<std::uint8_t, 9> identity{0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0xC2, 0x26, 0x08};

constexpr std::uint32_t select_pin = 1u << 4;
constexpr std::uint32_t receive_full = 1u, transmit_empty = 2u;                 // RM0090 28.5.3
constexpr std::uint32_t master_mode_0 = 1u << 2 | 1u << 6 | 1u << 8 | 1u << 9;  // MSTR, SPE, SSI, SSM; the bus clock / 2
constexpr std::uint32_t supply_low = 1u << 2;                                   // PVDO, RM0090 5.4.2
constexpr int transfer_tries = 2'000;

class Selected {
 public:
    Selected() { gpio_a().BSRR = select_pin << 16; }
    ~Selected() { gpio_a().BSRR = select_pin; }
    Selected(Selected const&) = delete;
    Selected& operator=(Selected const&) = delete;
};
}  // namespace

bool Fram::start() {
    gpio_a().BSRR = select_pin;
    spi1().CR1 = master_mode_0;
    std::array<std::uint8_t, identity.size()> answer{};
    std::uint8_t ignored = 0;
    Selected const selected;
    if (!transfer(read_identity, ignored)) return false;
    for (std::uint8_t& byte : answer)
        if (!transfer(0, byte)) return false;
    return answer == identity;
}

bool Fram::read(std::uint32_t at, wire::MutableBytes out) {
    if (out.size() > bytes() || at > bytes() - out.size()) return false;
    Selected const selected;
    if (!command(read_opcode, at)) return false;
    return std::all_of(out.begin(), out.end(), [this](std::uint8_t& byte) { return transfer(0, byte); });
}

bool Fram::write(std::uint32_t at, wire::Bytes data) {
    if (data.size() > bytes() || at > bytes() - data.size() || (pwr().CSR & supply_low)) return false;
    std::uint8_t status = 0, ignored = 0;
    {
        Selected const selected;
        if (!transfer(write_enable, ignored)) return false;
    }
    {
        Selected const selected;
        if (!transfer(read_status, ignored) || !transfer(0, status) || !(status & status_write_enabled)) return false;
    }
    Selected const selected;
    if (!command(stm32f405::write, at)) return false;
    return std::all_of(data.begin(), data.end(), [&](std::uint8_t byte) { return transfer(byte, ignored); });
}

bool Fram::command(std::uint8_t opcode, std::uint32_t address) {
    std::uint8_t ignored = 0;
    return transfer(opcode, ignored) && transfer(static_cast<std::uint8_t>(address >> 16), ignored) &&
           transfer(static_cast<std::uint8_t>(address >> 8), ignored) && transfer(static_cast<std::uint8_t>(address), ignored);
}

bool Fram::transfer(std::uint8_t out, std::uint8_t& in) {
    auto const wait = [](std::uint32_t bit) {
        for (int i = 0; i < transfer_tries; ++i)
            if (spi1().SR & bit) return true;
        return false;
    };
    if (!wait(transmit_empty)) return false;
    spi1().DR = out;
    if (!wait(receive_full)) return false;
    in = static_cast<std::uint8_t>(spi1().DR);
    return true;
}

}  // namespace marrowlink::stm32f405
