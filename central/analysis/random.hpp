// Random numbers by counting: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The n-th number of a key
// is a function of n and the key alone, so that draws are the same on any machine, in any order and by any number of threads.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace marrowlink::analysis {

using PhiloxKey = std::array<std::uint32_t, 2>;

// The block of four words of this counter.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, PhiloxKey key);

// The first eight bytes of the SHA-256 of a name: a curve's own key.
PhiloxKey key_of(std::string_view name);

// Standard normal deviates of a stream of a key, by Box and Muller's transform.
class NormalStream {
 public:
    NormalStream(PhiloxKey key, std::uint64_t stream) : key_(key), stream_(stream) {}
    double next();

 private:
    PhiloxKey key_;
    std::uint64_t stream_;
    std::uint32_t counter_ = 0;
    std::array<double, 2> ready_{};
    int left_ = 0;
};

}  // namespace marrowlink::analysis
