// Proof from stored bytes, offline: which seq of each stream are missing, doubled or altered.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::central {

struct Finding {
    enum class Kind : std::uint8_t { missing, doubled, altered } kind;
    std::uint64_t first = 0, last = 0;
    std::string detail;
};

struct StreamProof {
    std::string site, gateway, stream;
    std::uint64_t records = 0, through = 0;
    std::uint64_t refused = 0;   // stored, proved, and not understood
    std::uint64_t lost = 0;      // named by stream.closed
    std::uint64_t unproved = 0;  // first after a loss whose chain before it is unknown: its own bytes are checked by nothing
    std::uint64_t missing = 0, doubled = 0, altered = 0;
    std::vector<Finding> findings;  // at most findings_max; the rest is counted
    bool good() const { return missing + doubled + altered == 0; }
    std::string line() const;  // for people and scripts: "lyon/gw1/<stream> records=… through=… missing=…"
};
inline constexpr std::size_t findings_max = 100;

struct Proof {
    std::vector<StreamProof> streams;
    std::uint64_t stray = 0;  // records of no known stream
    std::string damage;       // what SQLite found wrong with the file itself; empty: nothing
    bool good() const;
    std::string total() const;
};

// `path` is a central database, beside a running centre too, or an export.
Result<Proof> verify(std::filesystem::path const& path);

}  // namespace marrowlink::central
