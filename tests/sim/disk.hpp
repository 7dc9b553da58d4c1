// A disk under SQLite that behaves as real ones do at their worst. It is a VFS over the operating system's: files stay real (in
// memory-backed storage, for speed), so that whatever a fault leaves behind is what the next open finds. Of what was written since the last
// sync it keeps what was there before, as a power cut leaves nothing of it, or any part.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "virtual_clock.hpp"

namespace marrowlink::sim {

class Disk {
 public:
    enum class How : std::uint8_t {
        io_error,     // nothing was written
        short_write,  // half of it was written, then an I/O error
        disk_full,    // nothing was written
        read_only,    // nothing was written
        power_cut,    // neither this nor anything after it happened; the owner hears of it in `dead`
    };

    explicit Disk(std::string name, std::uint64_t seed = 1);  // the name to open databases with
    ~Disk();
    Disk(Disk const&) = delete;
    Disk& operator=(Disk const&) = delete;
    std::string const& name() const { return name_; }

    // The `nth` operation from now on fails (1: the next one), and, with `lasting`, all after it.
    void arm(std::uint64_t nth, How how, bool lasting = false);
    void disarm();
    std::uint64_t operations() const { return operations_; }  // since `arm` or `disarm`; writes, syncs, truncations and deletions count
    bool fired() const { return fired_; }

    void set_full(bool yes) { full_ = yes; }      // files cannot grow
    void set_locked(bool yes) { locked_ = yes; }  // another process holds the write lock
    void set_errors_one_in(std::uint64_t n) {
        errors_one_in_ = n;
    }  // writes and syncs; 0: none. A failed sync drops what it should have kept
    bool misbehaves() const { return full_ || locked_ || errors_one_in_ != 0; }

    // From now on nothing is kept of what would survive a power cut: for worlds of gigabytes without one.
    void forget_writes() { remembers_ = false; }

    // The program that used it is gone or has no power: nothing it still tries reaches the disk.
    void kill() { dead_ = true; }
    bool dead() const { return dead_; }
    // Before the next program opens it. `power_was_lost`: of what was not synced, all, nothing or some sectors are there.
    void revive(bool power_was_lost);
    std::uint64_t sectors_lost() const { return sectors_lost_; }

    struct Write {
        bool truncate = false;
        std::size_t offset = 0;  // truncate: the new size
        std::string bytes;
        std::string before;           // what stood at `offset`, as far as the file went
        std::size_t size_before = 0;  // of the file
    };
    struct Content {
        std::vector<Write> unsynced;         // in order
        std::optional<std::string> durable;  // the whole of it, once a sync failed: then the file is no measure of it any more
    };
    // For the VFS's methods.
    int decide(bool& half, bool sync = false);
    std::shared_ptr<Content> content_of(std::string const& path, sqlite3_file* real);
    void forget(std::string const& path) { contents_.erase(path); }
    bool full() const { return full_; }
    bool locked() const { return locked_; }
    bool remembers() const { return remembers_; }

 private:
    void tear(std::string const& path, Content const& content);

    std::string name_;
    sqlite3_vfs* vfs_;
    SeededEntropy dice_;
    std::uint64_t operations_ = 0, fail_at_ = 0, errors_one_in_ = 0, sectors_lost_ = 0;
    How how_ = How::io_error;
    bool lasting_ = false, fired_ = false, full_ = false, locked_ = false, dead_ = false, remembers_ = true;
    std::map<std::string, std::shared_ptr<Content>> contents_;
};

}  // namespace marrowlink::sim
