// The only sources of time and of randomness. Both are handed to whoever needs them, so that a simulated world can own them.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "core/task.hpp"

namespace marrowlink {

class Clock {
 public:
    using Instant = std::chrono::steady_clock::time_point;         // monotonic; orders things and measures spans
    using Utc = std::chrono::sys_time<std::chrono::milliseconds>;  // wall clock; may step either way; shown, never used for order

    virtual ~Clock() = default;
    virtual Instant now() const = 0;
    virtual Utc utc() const = 0;
    virtual bool synchronised() const = 0;             // does the kernel say that the wall clock follows a time source?
    virtual Task<void> sleep_until(Instant when) = 0;  // throws on cancellation, as every Asio operation does

    Task<void> sleep_for(std::chrono::milliseconds span) { return sleep_until(now() + span); }
};

class Entropy {
 public:
    virtual ~Entropy() = default;
    virtual void fill(std::span<std::byte> out) = 0;
};

// RFC 4122 version 4, lower case, 36 characters.
std::string random_uuid(Entropy& entropy);

// RFC 3339 with milliseconds and Z: 2026-11-25T02:30:00.123Z.
std::string rfc3339(Clock::Utc when);

}  // namespace marrowlink
