// Proves a stream from its stored bytes: walks the records in seq order and says which are missing, doubled or altered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/record.hpp"

namespace marrowlink {

// `first` to `last`, both included. `chain` is that of `last`, where it is known although the record is not.
struct SeqRange {
    std::uint64_t first = 0, last = 0;
    std::optional<Digest> chain;
};

class ChainAudit {
 public:
    enum class Verdict : std::uint8_t {
        proved,    // its bytes give its chain from the chain before it
        altered,   // they do not, or its own attributes name another place
        unproved,  // the chain before it is not known, so nothing can be said of its bytes
    };

    // Begins behind record `seq` of `stream`, whose chain is `chain` if that is known. Seq 0: chain_start.
    ChainAudit(std::string stream, std::uint64_t seq, std::optional<Digest> chain);

    // The next stored record; seqs ascend. `chain` is the stored one, absent when that is damaged too.
    Verdict take(std::uint64_t seq, std::string_view attributes, std::string_view data, std::optional<Digest> chain);
    // A row that is there and cannot be read. `chain` as above.
    void unreadable(std::uint64_t seq, std::optional<Digest> chain);
    // Says that the stream goes on to `last`: what has not been walked until then is missing.
    void end(std::uint64_t last);

    std::uint64_t walked() const { return walked_; }  // records
    std::vector<SeqRange> const& missing() const { return missing_; }
    std::vector<SeqRange> const& altered() const { return altered_; }  // unreadable ones among them
    std::vector<SeqRange> const& unproved() const { return unproved_; }
    std::vector<std::uint64_t> const& doubled() const { return doubled_; }  // seqs whose record also lies in another's place
    // All that may not be passed on as what was appended: missing, altered and unproved together, ascending, neighbours joined.
    std::vector<SeqRange> lost() const;

 private:
    void note(std::vector<SeqRange>& list, std::uint64_t first, std::uint64_t last, std::optional<Digest> chain);
    void reach(std::uint64_t seq);

    std::string stream_;
    std::uint64_t next_;
    std::optional<Digest> previous_;  // as stored
    std::optional<Digest> computed_;  // as the altered record before gives it: right when only its stored chain was damaged
    std::uint64_t walked_ = 0;
    std::vector<SeqRange> missing_, altered_, unproved_;
    std::vector<std::uint64_t> doubled_;
    Sha256 hash_;
};

}  // namespace marrowlink
