// Bytes that outlive the power, as the log sees them: SPI FRAM on a board, a file under QEMU, an array in tests.
#pragma once

#include "wire/adapter_map.hpp"
#include "wire/bytes.hpp"

namespace marrowlink::firmware {

class Storage {
 public:
    virtual wire::adapter::Storage kind() const = 0;
    virtual std::uint32_t bytes() const = 0;

    // False: it could not be done; `out` holds anything.
    virtual bool read(std::uint32_t at, wire::MutableBytes out) = 0;

    // True: durable. False, or power lost meanwhile: any part of it may have been written.
    virtual bool write(std::uint32_t at, wire::Bytes bytes) = 0;

 protected:
    ~Storage() = default;
};

}  // namespace marrowlink::firmware
