// The outbox's file: one SQLite database per stream, named `<stream>.outbox`, so that a file too damaged to open still says whose it was.
// Everything here blocks and belongs to the store thread; `Outbox` is the door for everyone else.
//
//   record:   seq → what is published, byte for byte; `key` makes an append idempotent; `bytes_through` sums the sizes up to and with it
//
//   journal:  bytes of instruments that cannot repeat themselves, durable before anyone parses them
//
//   open_run: runs begun and neither finished nor aborted
//
//   taken:    export files already taken, by content
//
//   blanked:  the original bytes under the spaces of what left the site: chunks + blanked = the true original, without a second copy
//
//   salvage:  how far what is left of earlier, damaged streams has been acknowledged
//
//   meta:     stream; acknowledged, acknowledged_bytes; pruned, pruned_chain: the last record no longer kept, from whose chain the proof
//   starts
//
// Which tables and indexes there are: gateway/outbox_schema.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/record.hpp"
#include "core/run.hpp"
#include "io/sqlite.hpp"

namespace marrowlink {

inline constexpr std::string_view outbox_suffix = ".outbox";

// One append: everything in it becomes durable in one transaction, or nothing does.
struct Append {
    std::vector<Draft> drafts;
    std::string journal_instrument;  // with `journal_through`: journal bytes before that offset are accounted for and leave the journal
    std::uint64_t journal_through = 0;
    std::string journal_bytes;  // to be added to the journal of `journal_instrument`, starting at `journal_start`
    std::uint64_t journal_start = 0;
    std::optional<TakenFile> taken;
    std::vector<BlankedBytes> blanked;
    std::optional<std::pair<std::string, std::string>> held;  // an instrument, and the transcript it holds: its last one from here on
};

struct OpenRun {
    std::string run, instrument, plate, sourcekey, started;
};

// The views hold until the one that is told returns.
struct RunFact {
    std::uint64_t seq = 0;
    std::string_view type, data;
    std::int64_t appended_ms = 0;  // UTC
};

struct SalvageState {
    std::string stream;
    std::uint64_t acknowledged = 0;
    std::uint64_t last = 0;  // that can still be sent; all of it has been when `acknowledged` is no less
};

struct OutboxPosition {
    std::uint64_t appended = 0;        // last seq
    std::uint64_t acknowledged = 0;    // through which central has acknowledged
    std::uint64_t first_kept = 0;      // first seq still in the file; appended + 1 when none
    std::uint64_t backlog_bytes = 0;   // of the records that central has not acknowledged…
    std::uint64_t kept_bytes = 0;      // …of all that are kept…
    std::uint64_t appended_bytes = 0;  // …and of all that ever were
    std::int64_t oldest_ms = 0;        // UTC, when the oldest unacknowledged record was appended; 0 when none waits
    std::uint64_t used_bytes = 0;      // pages in use
    std::uint64_t wal_bytes = 0;
    Digest chain{};  // of the last record
};

struct OutboxLimits {
    std::uint64_t budget_bytes = 4ull << 30;              // at the budget appends are refused as `full` until acknowledgements make room
    std::int64_t retention_ms = 30ll * 24 * 3600 * 1000;  // acknowledged records are kept this long, less when the budget needs their room
};

class OutboxStore {
 public:
    // Opens `<directory>/<stream>.outbox`, or makes it when there is none. `broken` when the file, its schema, its tail or what it says of
    // itself is not what was written, `configuration` when a newer version wrote it. `vfs` as in Database::open.
    static Result<std::unique_ptr<OutboxStore>> open(std::filesystem::path const& directory, Origin origin, OutboxLimits limits,
                                                     std::string const& vfs = {});

    // One transaction for all of `appends`; `full` or `unavailable` means that nothing of it was stored. Records already stored under the
    // same key are passed over. `acknowledged` rides along when it is newer than what is stored.
    Result<void> append(std::vector<Append> const& appends, Stamp const& stamp, std::int64_t now_ms, std::uint64_t acknowledged);
    // Without an fsync: a killed process keeps it, a power cut at worst sends again what central already has.
    Result<void> confirm(std::uint64_t acknowledged);
    Result<std::vector<Record>> peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max);
    // The same from the first kept record at or after `from`, and `broken` unless seqs are gapless and every chain follows from the one
    // before it.
    Result<std::vector<Record>> peek_proved(std::uint64_t from, std::size_t records_max, std::size_t bytes_max);
    Result<std::optional<Digest>> chain_at(std::uint64_t seq);  // seq 0: the start; nullopt: no longer or not yet kept
    // Deletes acknowledged records older than the retention, or the oldest acknowledged ones while at the budget; at most `batch` of them.
    Result<std::uint64_t> prune(std::int64_t now_ms, std::size_t batch);

    // Its bytes, and the offset of the first: how many bytes this instrument had sent before them, over all its connections.
    Result<std::string> journal(std::string const& instrument, std::uint64_t& start);
    Result<std::vector<OpenRun>> open_runs();
    Result<std::string> last_transcript(
        std::string const& instrument);  // SHA-256, hex: of its last finished run's, or Append::held; empty: none
    Result<std::string> line_count(std::string const& instrument);                                // see LinePlace; empty: none was kept
    Result<void> set_line_count(std::string const& instrument, std::string const& count);         // durable when it returns
    Result<std::string> run_of_taken(std::string const& instrument, std::string const& sha256);   // empty: not taken
    Result<std::string> name_of_taken(std::string const& instrument, std::string const& sha256);  // empty: not taken
    // The runs of which something was told last, newest word first; messages are none.
    Result<std::vector<std::string>> latest_runs(std::size_t limit);
    // What run.started, run.finished, run.aborted and run.labelled told of it, in order, one at a time.
    Result<void> tell_run(std::string const& run, std::function<void(RunFact const&)> const& take);
    Result<std::string> sourcekey_of_run(std::string const& run);  // `unavailable` when the run is no longer kept
    Result<std::vector<Record>> records_of_run(std::string const& run, std::string_view type);  // for the page; in order

    Result<std::vector<SalvageState>> salvages();
    Result<void> keep(SalvageState const& state);  // without an fsync, as `confirm`

    // "/paris/gw1": what this gateway was called when it wrote the last record; empty when none is kept.
    Result<std::string> written_as();
    // For a fork. Into this empty stream, in one transaction: `first`, then the records of `old` behind `common` with their keys, runs and
    // source keys, their own times, and new ids and chain, under this gateway's present name; and `old` is remembered as having nothing
    // left to salvage. `broken` when one of them does not prove.
    Result<void> continue_from(OutboxStore& old, std::uint64_t common, Append const& first, Stamp const& stamp, std::int64_t now_ms);

    // Makes the file of a new, empty stream; it appears whole or not at all.
    static Result<void> create(std::filesystem::path const& path, std::string const& stream);

    OutboxPosition const& position() const { return position_; }
    Origin const& origin() const { return origin_; }
    Database& database() { return database_; }

 private:
    OutboxStore(Database database, Origin origin, OutboxLimits limits);
    Result<void> prepare();
    Result<void> read_position();
    Result<void> check_tail();
    Result<void> insert(Draft const& draft, Stamp const& stamp, std::int64_t now_ms);
    Result<bool> store_record(std::string_view key, std::string_view run, std::string_view type, std::string_view attributes,
                              std::string_view data, std::int64_t appended_ms);
    Result<void> take_over(OutboxStore& old, std::uint64_t common);
    Result<void> keep_row(SalvageState const& state);
    Result<void> apply(Append const& append, Stamp const& stamp, std::int64_t now_ms);
    Result<std::string> taken(std::string_view column, std::string const& instrument, std::string const& sha256);
    Result<void> release_journal(std::string const& instrument, std::uint64_t through);
    Result<void> track_open_run(Draft const& draft, Stamp const& stamp);
    Result<std::string> meta(std::string const& name);  // empty: there is none
    Result<void> set_meta(std::string const& name, std::string const& value);
    Result<void> remember_transcript(Draft const& finished);
    Result<void> set_transcript(std::string const& instrument, std::string const& sha256);
    Result<void> store_acknowledged(std::uint64_t acknowledged);
    Result<void> relaxed(std::function<Result<void>()> const& change);
    Result<void> measure();
    Result<void> measure_content();
    void measure_wal();

    Database database_;
    Origin origin_;
    OutboxLimits limits_;
    OutboxPosition position_;
    std::uint64_t bytes_through_ = 0;               // of the last record
    std::uint64_t acknowledged_bytes_through_ = 0;  // of the last acknowledged one
    std::uint64_t pruned_bytes_through_ = 0;        // of the last one no longer kept
    struct Young {
        std::uint64_t seq = 0;
        std::int64_t appended_ms = 0;
    } too_young_;            // the first record that retention kept when it was last asked
    Digest pruned_chain_{};  // of the record before the first kept one
    Sha256 hash_;
    Statement insert_record_, select_records_, select_chain_, set_meta_, insert_journal_, release_journal_, page_count_, free_pages_;
};

}  // namespace marrowlink
