// Reads what is left of an outbox that was set aside, without changing it. Everything here blocks and belongs to the store thread.
//
// A record may be sent again only if its bytes give its chain from the chain before it; every other seq between the last acknowledged and
// the last one known is lost, and is named so. When only the file's first page is damaged, a copy beside it gets the first page of a new
// outbox and is read instead.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/chain_audit.hpp"
#include "core/error.hpp"
#include "io/sqlite.hpp"

namespace marrowlink {

class SalvageScan {
 public:
    // `path` is `…/<stream>.outbox`. Never fails for damage: a file that cannot be read at all has nothing to send.
    enum class Mending : std::uint8_t { allowed, forbidden };
    static Result<std::unique_ptr<SalvageScan>> open(std::filesystem::path const& path, Mending mending = Mending::allowed);

    // Walks on, `rows` at a time; true when the end has been reached. Until then nothing below is known.
    Result<bool> step(std::size_t rows);

    std::string const& stream() const { return stream_; }
    Database& database() { return *database_; }  // when `readable`
    bool readable() const { return database_.has_value(); }
    std::string const& unreadable_because() const { return unreadable_because_; }
    ChainAudit const& audit() const { return *audit_; }
    std::uint64_t acknowledged() const { return acknowledged_; }  // as the file says; 0 when it cannot be read
    std::uint64_t first() const { return first_; }                // first seq that was still kept, as the file says
    std::uint64_t known() const { return known_; }                // highest seq known to have been given out
    std::uint64_t last() const { return last_; }                  // highest seq that can be sent; 0: none
    // What can never be sent and central has not acknowledged. Where the end is damaged, the last range goes on to the highest seq that
    // there can be.
    std::vector<SeqRange> const& lost() const { return lost_; }

    // Proved records from `from` on; lost seqs are left out. At least one when one is there. `broken` when the file has changed since the
    // walk.
    Result<std::vector<Record>> peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max);
    Result<std::optional<Digest>> chain_at(std::uint64_t seq);

 private:
    explicit SalvageScan(std::filesystem::path path);
    Result<void> connect(std::filesystem::path const& path, Database::Mode mode);
    Result<void> mend();
    void read_meta();
    void find_end();
    std::optional<std::uint64_t> highest_below(std::uint64_t limit);
    void finish();
    void walk(std::size_t rows);
    SeqRange const* damage_around(std::uint64_t seq) const;

    std::filesystem::path path_;
    std::string stream_, unreadable_because_;
    std::optional<Database> database_;
    Statement rows_, chain_;
    std::optional<ChainAudit> audit_;
    std::uint64_t next_ = 1;
    std::uint64_t first_ = 1, acknowledged_ = 0, known_ = 0, last_ = 0;
    bool end_damaged_ = false;  // what was last given out can only be guessed
    std::optional<Digest> pruned_chain_;
    std::vector<SeqRange> damaged_;  // all that cannot be sent
    std::vector<SeqRange> lost_;     // of it, what central has not acknowledged
    Sha256 hash_;
};

}  // namespace marrowlink
