// A serial port as the adapter sees it. Bytes are taken by an interrupt and wait in a ring; whoever polls takes them from there.
#pragma once

#include "wire/adapter_map.hpp"
#include "wire/bytes.hpp"

namespace marrowlink::firmware {

struct Received {
    std::uint32_t at_us = 0;  // when the interrupt had it, modulo 2^32
    std::uint8_t byte = 0;
    bool damaged = false;      // framing, parity or noise error; `byte` means nothing
    bool lost_before = false;  // between this and the one before it, others were lost for want of room or of time
};

struct Line {
    std::uint32_t baud = 9'600;
    std::uint8_t data_bits = 8;  // without the parity bit
    wire::adapter::Parity parity = wire::adapter::Parity::none;
    std::uint8_t stop_bits = 1;

    bool operator==(Line const&) const = default;
};

struct Losses {
    std::uint32_t refused = 0;   // the ring was full
    std::uint32_t overruns = 0;  // the interrupt came too late
};

class Uart {
 public:
    virtual void configure(Line const& line) = 0;
    virtual bool receive(Received& into) = 0;         // false: nothing waits
    virtual std::size_t waiting() const = 0;          // in the ring
    virtual std::size_t room() const = 0;             // left in the ring
    virtual std::size_t send(wire::Bytes bytes) = 0;  // how many were taken, from the first
    virtual bool sent() const = 0;                    // the last stop bit of everything taken is out
    virtual void ready_to_receive(bool ready) = 0;    // RTS
    virtual Losses losses() const = 0;                // since the start

 protected:
    ~Uart() = default;
};

}  // namespace marrowlink::firmware
