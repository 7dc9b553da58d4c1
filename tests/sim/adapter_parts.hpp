// What an adapter is made of besides its logic: memory that keeps what was written when power goes, and serial ports with a ring each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firmware/storage.hpp"
#include "firmware/uart.hpp"

namespace marrowlink::sim {

struct PowerLost {};  // thrown out of a write; what was written before it is there

class AdapterMemory final : public firmware::Storage {
 public:
    explicit AdapterMemory(std::uint32_t bytes, wire::adapter::Storage kind = wire::adapter::Storage::fram) : kind_(kind), memory(bytes) {}

    wire::adapter::Storage kind() const override { return kind_; }
    std::uint32_t bytes() const override { return static_cast<std::uint32_t>(memory.size()); }
    bool read(std::uint32_t at, wire::MutableBytes out) override {
        if (read_fails || at + out.size() > memory.size()) return false;
        std::copy_n(memory.begin() + at, out.size(), out.begin());
        return true;
    }
    bool write(std::uint32_t at, wire::Bytes bytes) override {
        if (write_fails || at + bytes.size() > memory.size()) return false;
        for (std::uint8_t const byte : bytes) {
            if (power_bytes && (*power_bytes)-- == 0) {
                power_bytes.reset();
                throw PowerLost{};
            }
            memory[at++] = byte;
            ++written;
        }
        return true;
    }

 private:
    wire::adapter::Storage kind_;

 public:
    std::vector<std::uint8_t> memory;
    std::uint64_t written = 0;                 // bytes, ever
    std::optional<std::uint64_t> power_bytes;  // so many can be written before power goes
    bool read_fails = false, write_fails = false;
};

// One end of a line. `say` is what the other end sends; `heard` what it received.
class AdapterUart final : public firmware::Uart {
 public:
    explicit AdapterUart(std::size_t ring_bytes = 4'096) : ring_bytes_(ring_bytes) {}

    void configure(firmware::Line const& wanted) override {
        line = wanted;
        ++configured;
    }
    bool receive(firmware::Received& into) override {
        if (ring_.empty()) return false;
        into = ring_.front();
        ring_.pop_front();
        return true;
    }
    std::size_t waiting() const override { return ring_.size(); }
    std::size_t room() const override { return ring_bytes_ - ring_.size(); }
    std::size_t send(wire::Bytes bytes) override {
        std::size_t const taken = std::min(bytes.size(), send_bytes_max);
        heard.append(reinterpret_cast<char const*>(bytes.data()), taken);
        if (taken > 0 && on_send) on_send();
        return taken;
    }
    bool sent() const override { return true; }
    void ready_to_receive(bool ready_now) override { ready = ready_now; }
    firmware::Losses losses() const override { return losses_; }

    void say(std::string_view bytes, std::uint64_t at_us) {
        for (char const byte : bytes) say(static_cast<std::uint8_t>(byte), at_us);
    }
    void say(std::uint8_t byte, std::uint64_t at_us, bool damaged = false) {
        if (ring_.size() == ring_bytes_) {
            ++losses_.refused;
            lost_ = true;
            return;
        }
        ring_.push_back({static_cast<std::uint32_t>(at_us), byte, damaged, std::exchange(lost_, false)});
    }

    firmware::Line line;
    int configured = 0;
    bool ready = true;
    std::size_t send_bytes_max = 4'096;
    std::string heard;
    std::function<void()> on_send;

 private:
    std::size_t ring_bytes_;
    std::deque<firmware::Received> ring_;
    firmware::Losses losses_;
    bool lost_ = false;
};

}  // namespace marrowlink::sim
