// Where nothing better answers: a log that is gone with the power, and says so in the register map.
#pragma once

#include <algorithm>
#include <array>

#include "firmware/storage.hpp"

namespace marrowlink::stm32f405 {

class Ram final : public firmware::Storage {
 public:
    wire::adapter::Storage kind() const override { return wire::adapter::Storage::ram; }
    std::uint32_t bytes() const override { return static_cast<std::uint32_t>(memory_.size()); }
    bool read(std::uint32_t at, wire::MutableBytes out) override {
        if (out.size() > memory_.size() || at > memory_.size() - out.size()) return false;
        std::copy_n(memory_.begin() + at, out.size(), out.begin());
        return true;
    }
    bool write(std::uint32_t at, wire::Bytes data) override {
        if (data.size() > memory_.size() || at > memory_.size() - data.size()) return false;
        std::copy(data.begin(), data.end(), memory_.begin() + at);
        return true;
    }

 private:
    inline static std::array<std::uint8_t, 24u << 10> memory_;  // beside the object, whose image stands in flash
};

}  // namespace marrowlink::stm32f405
