// Proof from stored bytes, offline or beside the running gateway: which seqs of each outbox are missing, doubled or altered.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "core/chain_audit.hpp"
#include "core/error.hpp"

namespace marrowlink {

struct OutboxProof {
    std::filesystem::path file;
    std::string stream;
    bool set_aside = false;
    std::uint64_t first = 0, last = 0, acknowledged = 0;  // first kept, last appended
    std::uint64_t records = 0;
    std::vector<SeqRange> missing, altered;  // not named as lost
    std::vector<std::uint64_t> doubled;      // seqs whose record also lies in another's place
    std::uint64_t lost = 0;                  // missing or altered, and named so by a stream.closed of the living stream
    bool closed = false;                     // a stream.closed names it: what it has lost is known
    std::string damage;                      // what makes the file as a whole unreadable; empty: nothing
    bool good() const { return missing.empty() && altered.empty() && doubled.empty() && (damage.empty() || closed); }
};

struct OutboxReport {
    std::vector<OutboxProof> outboxes;
    bool good() const;
};

// `path` is an outbox, or a directory of them: its set-aside ones are proved as well. `unavailable` when there is none or it cannot be
// read.
Result<OutboxReport> verify_outbox(std::filesystem::path const& path);

// Prints a line per stream, one per finding, and a total; `refused` (exit 65) when anything is missing, doubled or altered.
Result<void> verify_and_print(std::filesystem::path const& path, std::ostream& out);

}  // namespace marrowlink
