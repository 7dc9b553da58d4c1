// A SQLite VFS over the operating system's that fails on demand: the nth write, sync, truncation, … after `arm` does, once or from then on.
// Files stay real, so whatever a failed call leaves behind is what the next open finds.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace marrowlink::sim {

class FaultVfs {
 public:
    enum class How : std::uint8_t {
        io_error,     // nothing was written
        short_write,  // half of it was written, then an I/O error
        disk_full,    // nothing was written
        read_only,    // nothing was written
    };

    explicit FaultVfs(std::string name);  // the name to open databases with
    ~FaultVfs();
    FaultVfs(FaultVfs const&) = delete;
    FaultVfs& operator=(FaultVfs const&) = delete;

    // The `nth` operation from now on fails (1: the next one), and, with `lasting`, all after it.
    void arm(std::uint64_t nth, How how, bool lasting = false);
    void disarm();
    std::uint64_t operations() const { return operations_; }  // since `arm` or `disarm`; writes, syncs, truncations and deletions count
    bool fired() const { return fired_; }
    std::string const& name() const { return name_; }

    // For the file methods: whether this operation fails, and how.
    int decide(bool& half);

 private:
    std::string name_;
    sqlite3_vfs* vfs_;
    std::uint64_t operations_ = 0, fail_at_ = 0;
    How how_ = How::io_error;
    bool lasting_ = false, fired_ = false;
};

namespace fault_vfs {

// SQLite allocates szOsFile bytes; the operating system's own file object follows ours in them.
struct File {
    sqlite3_file base;
    FaultVfs* faults;
    sqlite3_file* real;
};

inline File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
inline sqlite3_file* real(sqlite3_file* file) { return of(file)->real; }
inline sqlite3_io_methods const* methods(sqlite3_file* file) { return real(file)->pMethods; }
inline sqlite3_vfs* below(sqlite3_vfs* vfs) { return static_cast<std::pair<FaultVfs*, sqlite3_vfs*>*>(vfs->pAppData)->second; }
inline FaultVfs* faults(sqlite3_vfs* vfs) { return static_cast<std::pair<FaultVfs*, sqlite3_vfs*>*>(vfs->pAppData)->first; }

inline int close(sqlite3_file* file) { return methods(file)->xClose(real(file)); }
inline int read(sqlite3_file* file, void* into, int bytes, sqlite3_int64 at) { return methods(file)->xRead(real(file), into, bytes, at); }
inline int write(sqlite3_file* file, void const* from, int bytes, sqlite3_int64 at) {
    bool half = false;
    if (int const code = of(file)->faults->decide(half); code != SQLITE_OK) {
        if (half) methods(file)->xWrite(real(file), from, bytes / 2, at);
        return code;
    }
    return methods(file)->xWrite(real(file), from, bytes, at);
}
inline int truncate(sqlite3_file* file, sqlite3_int64 size) {
    bool half = false;
    if (int const code = of(file)->faults->decide(half); code != SQLITE_OK) return SQLITE_IOERR_TRUNCATE;
    return methods(file)->xTruncate(real(file), size);
}
inline int sync(sqlite3_file* file, int flags) {
    bool half = false;
    if (int const code = of(file)->faults->decide(half); code != SQLITE_OK) return code == SQLITE_FULL ? code : SQLITE_IOERR_FSYNC;
    return methods(file)->xSync(real(file), flags);
}
inline int file_size(sqlite3_file* file, sqlite3_int64* size) { return methods(file)->xFileSize(real(file), size); }
inline int lock(sqlite3_file* file, int level) { return methods(file)->xLock(real(file), level); }
inline int unlock(sqlite3_file* file, int level) { return methods(file)->xUnlock(real(file), level); }
inline int check_lock(sqlite3_file* file, int* out) { return methods(file)->xCheckReservedLock(real(file), out); }
inline int control(sqlite3_file* file, int op, void* argument) { return methods(file)->xFileControl(real(file), op, argument); }
inline int sector(sqlite3_file* file) { return methods(file)->xSectorSize(real(file)); }
inline int traits(sqlite3_file* file) { return methods(file)->xDeviceCharacteristics(real(file)); }
inline int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return methods(file)->xShmMap(real(file), page, size, extend, out);
}
inline int shm_lock(sqlite3_file* file, int offset, int n, int flags) { return methods(file)->xShmLock(real(file), offset, n, flags); }
inline void shm_barrier(sqlite3_file* file) { methods(file)->xShmBarrier(real(file)); }
inline int shm_unmap(sqlite3_file* file, int remove) { return methods(file)->xShmUnmap(real(file), remove); }

inline sqlite3_io_methods const file_methods = {2,        close,       read,       write,   truncate, sync,   file_size,
                                                lock,     unlock,      check_lock, control, sector,   traits, shm_map,
                                                shm_lock, shm_barrier, shm_unmap,  nullptr, nullptr};

inline int open(sqlite3_vfs* vfs, char const* name, sqlite3_file* file, int flags, int* out) {
    File* const ours = new (file) File{};
    ours->faults = faults(vfs);
    ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
    std::memset(static_cast<void*>(ours->real), 0, static_cast<std::size_t>(below(vfs)->szOsFile));
    int const code = below(vfs)->xOpen(below(vfs), name, ours->real, flags, out);
    ours->base.pMethods = ours->real->pMethods ? &file_methods : nullptr;
    return code;
}
inline int remove(sqlite3_vfs* vfs, char const* name, int sync_directory) {
    bool half = false;
    if (faults(vfs)->decide(half) != SQLITE_OK) return SQLITE_IOERR_DELETE;
    return below(vfs)->xDelete(below(vfs), name, sync_directory);
}
inline int access(sqlite3_vfs* vfs, char const* name, int flags, int* out) { return below(vfs)->xAccess(below(vfs), name, flags, out); }
inline int full_path(sqlite3_vfs* vfs, char const* name, int bytes, char* out) {
    return below(vfs)->xFullPathname(below(vfs), name, bytes, out);
}
inline int randomness(sqlite3_vfs* vfs, int bytes, char* out) { return below(vfs)->xRandomness(below(vfs), bytes, out); }
inline int sleep(sqlite3_vfs* vfs, int us) { return below(vfs)->xSleep(below(vfs), us); }
inline int current_time(sqlite3_vfs* vfs, double* out) { return below(vfs)->xCurrentTime(below(vfs), out); }
inline int last_error(sqlite3_vfs* vfs, int bytes, char* out) { return below(vfs)->xGetLastError(below(vfs), bytes, out); }
inline int current_time64(sqlite3_vfs* vfs, sqlite3_int64* out) { return below(vfs)->xCurrentTimeInt64(below(vfs), out); }
}  // namespace fault_vfs

inline FaultVfs::FaultVfs(std::string name) : name_(std::move(name)) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    vfs_ = new sqlite3_vfs{};
    vfs_->iVersion = 2;
    vfs_->szOsFile = static_cast<int>(sizeof(fault_vfs::File)) + system->szOsFile;
    vfs_->mxPathname = system->mxPathname;
    vfs_->zName = name_.c_str();
    vfs_->pAppData = new std::pair<FaultVfs*, sqlite3_vfs*>{this, system};
    vfs_->xOpen = fault_vfs::open;
    vfs_->xDelete = fault_vfs::remove;
    vfs_->xAccess = fault_vfs::access;
    vfs_->xFullPathname = fault_vfs::full_path;
    vfs_->xRandomness = fault_vfs::randomness;
    vfs_->xSleep = fault_vfs::sleep;
    vfs_->xCurrentTime = fault_vfs::current_time;
    vfs_->xGetLastError = fault_vfs::last_error;
    vfs_->xCurrentTimeInt64 = fault_vfs::current_time64;
    sqlite3_vfs_register(vfs_, 0);
}

inline FaultVfs::~FaultVfs() {
    sqlite3_vfs_unregister(vfs_);
    delete static_cast<std::pair<FaultVfs*, sqlite3_vfs*>*>(vfs_->pAppData);
    delete vfs_;
}

inline void FaultVfs::arm(std::uint64_t nth, How how, bool lasting) {
    operations_ = 0;
    fail_at_ = nth;
    how_ = how;
    lasting_ = lasting;
    fired_ = false;
}

inline void FaultVfs::disarm() { arm(0, How::io_error); }

inline int FaultVfs::decide(bool& half) {
    ++operations_;
    if (fail_at_ == 0 || !(lasting_ ? operations_ >= fail_at_ : operations_ == fail_at_)) return SQLITE_OK;
    fired_ = true;
    half = how_ == How::short_write;
    switch (how_) {
        case How::disk_full: return SQLITE_FULL;
        case How::read_only: return SQLITE_READONLY;
        case How::io_error:
        case How::short_write: break;
    }
    return SQLITE_IOERR_WRITE;
}

}  // namespace marrowlink::sim
