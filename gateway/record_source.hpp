// One stream that the forwarder empties: the live outbox, or what salvage can still read of a damaged one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/record.hpp"
#include "core/task.hpp"

namespace marrowlink {

class RecordSource {
 public:
    virtual ~RecordSource() = default;
    virtual std::string const& stream() const = 0;
    virtual std::uint64_t appended() const = 0;      // last seq there is
    virtual std::uint64_t acknowledged() const = 0;  // through which central has acknowledged, durable or about to be
    virtual std::uint64_t first_kept() const = 0;    // first seq that can still be read

    // From `from` on, in order; seqs that can no longer be read are missing from the answer (salvage only). At least one record when one is
    // there.
    virtual Task<Result<std::vector<Record>>> peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) = 0;
    virtual Task<Result<std::optional<Digest>>> chain_at(std::uint64_t seq) = 0;
    virtual void confirm(std::uint64_t seq) = 0;
};

}  // namespace marrowlink
