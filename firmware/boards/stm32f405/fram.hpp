// Ferroelectric memory on SPI1: Infineon (Cypress) CY15B104Q, 512 KiB, data sheet 001-94240. Every byte is durable when its eighth clock is
// over, there are no pages and no waiting, and 10^14 writes are promised for each.
#pragma once

#include "firmware/storage.hpp"

namespace marrowlink::stm32f405 {

class Fram final : public firmware::Storage {
 public:
    // True: the memory's identity answers. Pins PA4 (chip select) to PA7.
    bool start();

    wire::adapter::Storage kind() const override { return wire::adapter::Storage::fram; }
    std::uint32_t bytes() const override { return 512u << 10; }
    bool read(std::uint32_t at, wire::MutableBytes out) override;
    bool write(std::uint32_t at, wire::Bytes bytes) override;  // false also while the supply is too low

 private:
    bool transfer(std::uint8_t out, std::uint8_t& in);
    bool command(std::uint8_t opcode, std::uint32_t address);
};

}  // namespace marrowlink::stm32f405
