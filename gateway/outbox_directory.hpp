// The directory that holds a gateway's outbox: finds the living one, begins a new stream where there is none, sets a damaged one aside
// whole.
//
//   <directory>/lock                        held while a gateway runs; says which process
//   <directory>/<stream>.outbox             the living one (+ -wal, -shm)
//   <directory>/set-aside/<stream>.outbox   damaged ones, kept for ever; `Salvage` reads them
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "gateway/outbox_store.hpp"
#include "gateway/salvage.hpp"
#include "io/directory.hpp"

namespace marrowlink {

struct OutboxPlace {
    std::filesystem::path directory;
    std::string site, gateway;
    OutboxLimits limits;
    std::string boot_id;  // of the first record of a new stream; empty: the kernel's
    std::string vfs;      // as in Database::open
};

class OutboxDirectory;

struct OpenedOutbox {
    std::unique_ptr<OutboxStore> store;
    std::vector<std::unique_ptr<Salvage>> salvages;  // set-aside streams with something left to send; `begin` them
    std::vector<SalvageState> ended;                 // set-aside streams of which central has acknowledged everything
    std::string set_aside;                           // why an outbox was set aside just now; empty: none was
    std::unique_ptr<OutboxDirectory> directory;      // of `open` only
};

class OutboxDirectory {
 public:
    // `unavailable`: another process holds the directory, or the disk does not let us; `configuration`: a newer version wrote the outbox,
    // or the gateway has another name now and something can be sent under the old one only.
    static Result<OpenedOutbox> open(OutboxPlace place, Entropy& entropy, Clock& clock);

    // For damage found while running. The outbox has been retired (Outbox::retire): nothing of ours touches the file any more.
    Result<OpenedOutbox> set_aside(std::string const& stream, Error const& why);

    // For a fork: central holds other records than ours behind `common`. What the stream has behind it goes into a new stream, with the
    // same source keys; the old file is moved aside with nothing left to send. The outbox has been retired. Takes as long as copying those
    // records does.
    Result<OpenedOutbox> fork(std::string const& stream, std::uint64_t common, Error const& why);

    // For a stream that had ended, of which central has only what is before `through` any more: what it acknowledged behind that.
    std::unique_ptr<Salvage> send_again(SalvageState const& ended, std::uint64_t through) const;

    std::filesystem::path const& path() const { return place_.directory; }

 private:
    OutboxDirectory(OutboxPlace place, DirectoryLock lock, Entropy& entropy, Clock& clock);
    Result<OpenedOutbox> open_newest();
    Result<void> follow_name(OpenedOutbox& opened);
    Result<void> tidy();
    Result<void> move_aside(std::string const& stream);
    void discard(std::string const& stream) const;  // an outbox that holds nothing
    Result<std::unique_ptr<OutboxStore>> begin(std::string const& previous, std::string const& reason);
    Result<void> inherit(OutboxStore& store, std::string const& previous, std::string const& reason);
    static Result<void> inherit_tables(OutboxStore& store, Database& from);
    static Draft opening_record(std::string const& previous, std::string const& reason);
    Stamp stamp() const;
    Result<void> find_salvages(OpenedOutbox& opened, std::string const& stream);
    std::vector<std::string> streams_in(std::filesystem::path const& directory) const;  // newest first
    std::filesystem::path aside() const { return place_.directory / "set-aside"; }

    OutboxPlace place_;
    DirectoryLock lock_;
    Entropy& entropy_;
    Clock& clock_;
};

}  // namespace marrowlink
