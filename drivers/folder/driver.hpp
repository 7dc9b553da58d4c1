// An export folder: files that vendor software drops are taken when they are whole, once, with their original bytes. Facts: notes.md.
//
// A file is looked at when its size and time were still for `settle`, judged by our own clock. Then:
//   of no known format, or too large   refused by name; nothing of it is sent; looked at again when size or time change
//   its end is missing                 incomplete; looked at again when size or time change
//   whole, but its parser refuses it   a run in the state "unreadable" that keeps the bytes; refused by name; never moved or deleted
//   whole                              a run; other content under the same name or key is another run: a revision
//   the same bytes as a run before     not taken again
// A folder that cannot be read is `trouble`, tried again with a doubling pause; what was known of its files stays known.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/folder.hpp"
#include "drivers/catalog.hpp"
#include "drivers/driver.hpp"
#include "drivers/folder/parcel.hpp"

namespace marrowlink {

inline constexpr std::uint64_t file_bytes_max = 512ull << 20;  // a larger file is refused by name, unread
inline constexpr std::size_t folder_files_max = 100'000;       // a further file is not looked at until others are gone; said as trouble
inline constexpr std::size_t files_listed_max = 200;  // `files()` tells of no more: those in need of a person first, then the newest
inline constexpr std::size_t keys_known_max =
    20'000;  // runs whose key is remembered; beyond it only the centre sees a revision under a new name
// Announcements of the operating system wake a look at the folder, but not sooner after the last.
inline constexpr std::chrono::milliseconds scan_spacing{250};
// Ceilings of doubling pauses, each of which begins at the settle or poll time.
inline constexpr std::chrono::milliseconds incomplete_pause_max{
    30'000};  // a file found incomplete, or held by another program, again and again
inline constexpr std::chrono::milliseconds refused_pause_max{300'000};  // a file refused again and again: a log that grows all day
inline constexpr std::chrono::milliseconds absent_pause_max{60'000};    // a folder that cannot be read
inline constexpr std::chrono::minutes file_forgotten_after{10};         // missing so long; a share that comes back sooner is not read anew

struct FolderOptions {
    std::string instrument;  // configured id
    std::chrono::milliseconds settle{5'000};
    std::chrono::milliseconds poll{2'000};
    std::optional<RunIdentity> open_run;  // begun before and not ended: resumed when its file is still there, else aborted
    Recognise recognise = marrowlink::recognise;
};

class FolderDriver final : public Driver {
 public:
    // Under which run these bytes were taken; empty: not yet.
    using RunOfTaken = std::function<Task<Result<std::string>>(std::string sha256)>;

    // `worker` runs what blocks or computes: the folder's calls, hashing and parsing. A thread in production, the loop itself in
    // simulation.
    FolderDriver(std::shared_ptr<Folder> folder, FolderOptions options, Clock& clock, boost::asio::any_io_executor worker,
                 RunOfTaken run_of_taken);

    Task<Result<std::string>> identify() override;  // `unavailable` when the folder cannot be read
    // A batch that was not acknowledged is given again. Fails only when `run_of_taken` does.
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;

    std::string activity() const override;
    std::optional<Error> trouble() const override { return trouble_; }
    std::optional<Clock::Instant> heard() const override { return heard_; }  // when the folder was last read: how old `files()` is
    std::vector<FileState> files() const override;

 private:
    struct Known {
        std::uint64_t size = 0;
        std::int64_t modified_ns = 0;
        Clock::Instant changed;     // when this size and time were first seen
        Clock::Instant not_before;  // the pause after looks in vain
        Clock::Instant since;       // in this standing
        std::uint64_t seen_in = 0;  // number of the last scan that listed it
        Clock::Instant seen;
        FileStanding standing = FileStanding::waiting;
        unsigned vain = 0;    // looks in vain since it was last taken
        bool looked = false;  // this size and time were looked at
        bool taken_before = false;
        bool reported = false;  // refused once in the log
        std::string reason;
    };
    using Files = std::map<std::string, Known>;

    Task<void> scan();
    void merge(std::vector<FolderEntry> const& entries);
    void see(Known& known, FolderEntry const& entry);
    void plan();
    void forget_missing();
    void lost(Error error);
    Task<void> rest();
    Task<Result<void>> look(std::string name);
    Task<Result<void>> weigh(std::string const& name, std::shared_ptr<std::string> bytes, std::string sha256);
    void stand(Known& known, FileStanding standing, std::string reason);
    void in_vain(Known& known, std::chrono::milliseconds pause_max);
    void refuse(std::string const& name, Known& known, std::string reason);
    Task<void> conclude();
    Task<void> dispose(std::string name);
    std::optional<Batch> closing_batch();

    std::shared_ptr<Folder> folder_;
    FolderOptions options_;
    Clock& clock_;
    boost::asio::any_io_executor worker_;
    RunOfTaken run_of_taken_;

    Files files_;
    std::set<std::string, std::less<>> keys_;  // of the runs taken here
    std::deque<std::string> due_;              // to be looked at, found by the last scan
    Clock::Instant next_scan_;
    Clock::Instant scanned_;  // when the last one ended, in vain or not
    std::optional<Clock::Instant> heard_;
    std::optional<Error> trouble_;
    Clock::Instant trouble_since_;
    unsigned scans_in_vain_ = 0;
    bool was_there_ = false;
    std::uint64_t scans_ = 0;
    std::size_t files_turned_away_ = 0;
    std::unique_ptr<Parcel> parcel_;
    std::uint64_t receipts_ = 0;  // number of the batch that waits for its acknowledgement
    bool closing_ = false;        // that batch aborts the open run
};

}  // namespace marrowlink
