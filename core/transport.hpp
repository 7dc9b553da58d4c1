// Ordered bytes to and from one instrument: a serial line, a TCP connection, an adapter. One transport is one open connection;
// after any error but `timed_out` it is dead and its owner opens a new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace marrowlink {

struct LinePlace {
    std::uint64_t position = 0;
    std::string count;  // whose count it is, where a line counts by itself: an adapter's log. Empty: none
};

class Transport {
 public:
    virtual ~Transport() = default;

    // At least one byte, or `timed_out` when `deadline` passes first (nothing is lost: later bytes come with the next call),
    // or `closed` when the peer or the cable is gone.
    virtual Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) = 0;

    // All of `bytes`, or an error.
    virtual Task<Result<void>> write(std::span<std::byte const> bytes) = 0;

    // Before the first read, for a source whose every byte is to be made durable once: everything before `from.position`, counted from the
    // first byte it ever sent, is durable here. Where it goes on: there, or further where what lay between is lost. The answer must be
    // durable before the first read. A plain line goes on.
    virtual Task<Result<LinePlace>> resume(LinePlace from) { co_return from; }

    // A read that waits now ends with `timed_out`; without one nothing happens. What only plays a recording need not.
    virtual void interrupt() {}

    // All received bytes before `offset` (counted from the first byte this transport ever returned) are durable.
    virtual void release(std::uint64_t /*offset*/) {}
};

// Opens one configured transport, again and again. The error names the port, its owner or the missing right, and what to do.
class TransportFactory {
 public:
    virtual ~TransportFactory() = default;
    virtual Task<Result<std::unique_ptr<Transport>>> open() = 0;
    virtual std::string name() const = 0;  // for people: "/dev/ttyUSB0 9600 8N1", "10.0.0.7:4001"
};

}  // namespace marrowlink
