#include "central/analysis/random.hpp"

#include <cmath>

#include "central/analysis/elementary.hpp"
#include "core/sha256.hpp"

namespace marrowlink::analysis {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, PhiloxKey key) {
    for (int round = 0; round < 10; ++round) {
        std::uint64_t const a = std::uint64_t{0xD2511F53} * c[0];
        std::uint64_t const b = std::uint64_t{0xCD9E8D57} * c[2];
        c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(b),
             static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(a)};
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return c;
}

PhiloxKey key_of(std::string_view name) {
    auto const hash = sha256(name);
    PhiloxKey key{};
    for (std::size_t i = 0; i < 8; ++i) key[i / 4] |= static_cast<std::uint32_t>(static_cast<unsigned char>(hash[i])) << (8 * (i % 4));
    return key;
}

double NormalStream::next() {
    if (left_ == 0) {
        auto const words = philox({counter_++, 0, static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)}, key_);
        auto const share = [](std::uint32_t high, std::uint32_t low) {
            return (static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) + 0.5) * 0x1p-53;  // never 0 and never 1
        };
        double const radius = std::sqrt(-2.0 * log(share(words[0], words[1])));
        double const angle = 6.283185307179586 * share(words[2], words[3]);
        ready_ = {radius * sin(angle), radius * cos(angle)};
        left_ = 2;
    }
    return ready_[static_cast<std::size_t>(--left_)];
}

}  // namespace marrowlink::analysis
