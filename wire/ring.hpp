// A queue between an interrupt and the program it interrupts, or between any two that each have one end of it. No locks, no waiting.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace marrowlink::wire {

// `Capacity` is a power of two. One side pushes, the other pops.
template <class Value, std::size_t Capacity>
class Ring {
    static_assert((Capacity & (Capacity - 1)) == 0);

 public:
    // False when there is no room: nothing was taken.
    bool push(Value value) {
        std::size_t const in = in_.load(std::memory_order_relaxed);
        if (in - out_.load(std::memory_order_acquire) == Capacity) return false;
        values_[in % Capacity] = value;
        in_.store(in + 1, std::memory_order_release);
        return true;
    }
    // False when there is nothing.
    bool pop(Value& value) {
        std::size_t const out = out_.load(std::memory_order_relaxed);
        if (out == in_.load(std::memory_order_acquire)) return false;
        value = values_[out % Capacity];
        out_.store(out + 1, std::memory_order_release);
        return true;
    }
    std::size_t size() const { return in_.load(std::memory_order_acquire) - out_.load(std::memory_order_acquire); }
    bool empty() const { return size() == 0; }
    std::size_t room() const { return Capacity - size(); }

 private:
    std::array<Value, Capacity> values_{};
    std::atomic<std::size_t> in_{0}, out_{0};
};

}  // namespace marrowlink::wire
