// The real clock and the real randomness.
#pragma once

#include <string>

#include "core/clock.hpp"

namespace marrowlink {

class SystemClock final : public Clock {
 public:
    Instant now() const override;
    Utc utc() const override;
    bool synchronised() const override;  // adjtimex(2), asked at most once a minute
    Task<void> sleep_until(Instant when) override;

 private:
    mutable Instant asked_{};
    mutable bool synchronised_ = false;
};

class SystemEntropy final : public Entropy {
 public:
    void fill(std::span<std::byte> out) override;
};

// The kernel's id of this boot of the machine; "unknown" where there is none.
std::string boot_id();

}  // namespace marrowlink
