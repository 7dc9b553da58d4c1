// Times in microseconds since the start. An interrupt may come after the program has looked at the clock, so that what it brings is of a
// later moment than "now".
#pragma once

#include <cstdint>

namespace marrowlink::firmware {

constexpr std::uint64_t elapsed_us(std::uint64_t since_us, std::uint64_t now_us) { return now_us > since_us ? now_us - since_us : 0; }

// The whole of a time of which only the low half was kept, less than 35 minutes from now.
constexpr std::uint64_t whole_time_us(std::uint32_t low_half, std::uint64_t now_us) {
    auto const away = static_cast<std::int32_t>(low_half - static_cast<std::uint32_t>(now_us));
    return now_us + static_cast<std::uint64_t>(static_cast<std::int64_t>(away));
}

}  // namespace marrowlink::firmware
