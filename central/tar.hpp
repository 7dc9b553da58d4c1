// Archives in the ustar format (POSIX.1-2017, pax, "ustar Interchange Format") in one canonical form: regular files only, mode 0644, owner
// 0, time 0, nothing after the two closing blocks. Whoever has the members has the archive's every byte, so that a reader that makes it
// again finds any bit that differs, in headers and padding too. Any tar reads it. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::central {

inline constexpr std::size_t tar_name_bytes_max = 99;

struct TarMember {
    std::string name;  // 1 to tar_name_bytes_max printable ASCII characters
    std::string bytes;
};

// The first byte at which they differ; the shorter one's size where they differ only behind it.
std::size_t first_difference(std::string_view one, std::string_view other);

bool begins_as_tar(std::string_view bytes);

std::string tar_of(std::span<TarMember const> members);

// Refused, naming member and offset: whatever tar_of would not have written.
Result<std::vector<TarMember>> members_in(std::string_view tar);

}  // namespace marrowlink::central
