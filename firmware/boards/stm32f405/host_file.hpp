// A file on the machine that runs QEMU or holds the debugger, through ARM semihosting (ARM IHI 0095). Its name is the first word of the
// command line that the host gives, or adapter-log.bin.
#pragma once

#include "firmware/storage.hpp"

namespace marrowlink::stm32f405 {

class HostFile final : public firmware::Storage {
 public:
    bool start();  // true: the file is open and as long as it must be

    wire::adapter::Storage kind() const override { return wire::adapter::Storage::semihosting; }
    std::uint32_t bytes() const override { return 128u << 10; }
    bool read(std::uint32_t at, wire::MutableBytes out) override;
    bool write(std::uint32_t at, wire::Bytes bytes) override;

 private:
    bool seek(std::uint32_t at) const;
    std::uint32_t handle_ = 0;
};

}  // namespace marrowlink::stm32f405
