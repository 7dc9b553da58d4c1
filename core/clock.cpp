#include "core/clock.hpp"

#include <fmt/format.h>

#include <array>

namespace marrowlink {

std::string random_uuid(Entropy& entropy) {
    std::array<std::byte, 16> b{};
    entropy.fill(b);
    b[6] = (b[6] & std::byte{0x0F}) | std::byte{0x40};
    b[8] = (b[8] & std::byte{0x3F}) | std::byte{0x80};
    std::string out;
    for (std::size_t i = 0; i < b.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += fmt::format("{:02x}", std::to_integer<unsigned>(b[i]));
    }
    return out;
}

std::string rfc3339(Clock::Utc when) {
    auto const day = std::chrono::floor<std::chrono::days>(when);
    std::chrono::year_month_day const date{day};
    std::chrono::hh_mm_ss const time{when - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                       static_cast<unsigned>(date.day()), time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count());
}

}  // namespace marrowlink
