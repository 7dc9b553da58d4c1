// The central database: its tables, and one transaction around everything that one batch of messages changes.
#pragma once

#include <cstdint>
#include <filesystem>

#include "io/migration.hpp"

namespace marrowlink::central {

Schema const& store_schema();

// A record's row id: which stream, which place. The rows of one stream lie side by side in seq order, with no second index to keep.
inline constexpr int seq_bits = 40;
inline constexpr std::uint64_t seq_max =
    (std::uint64_t{1} << seq_bits) - 1;  // a record beyond it is rejected: 4 years at 8,000 a second without a pause, for one stream
constexpr std::int64_t record_id(std::int64_t stream, std::uint64_t seq) { return stream << seq_bits | static_cast<std::int64_t>(seq); }
constexpr std::int64_t stream_of(std::int64_t record) { return record >> seq_bits; }
constexpr std::uint64_t seq_of(std::int64_t record) { return static_cast<std::uint64_t>(record) & seq_max; }

}  // namespace marrowlink::central
