#include "disk.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <new>
#include <utility>

namespace marrowlink::sim {
namespace {
constexpr std::size_t sector_bytes = 512;  // written whole or not at all

void put(std::string& image, std::size_t offset, std::string_view bytes) {
    if (image.size() < offset + bytes.size()) image.resize(offset + bytes.size(), '\0');
    std::memcpy(image.data() + offset, bytes.data(), bytes.size());
}

void apply(std::string& image, Disk::Write const& write) {
    if (write.truncate)
        image.resize(write.offset, '\0');
    else
        put(image, write.offset, write.bytes);
}

// What a power cut leaves at least: the file without what was not synced.
std::string durable_of(Disk::Content const& content, std::string file) {
    if (content.durable) return *content.durable;
    for (auto write = content.unsynced.rbegin(); write != content.unsynced.rend(); ++write) {
        file.resize(write->size_before, '\0');
        if (!write->before.empty()) put(file, write->offset, write->before);
    }
    return file;
}

// SQLite allocates szOsFile bytes; the operating system's own file object follows ours in them.
struct File {
    sqlite3_file base;
    Disk* disk;
    std::shared_ptr<Disk::Content>* content;  // null: a temporary file
    sqlite3_file* real;
};

File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return of(file)->real; }
sqlite3_io_methods const* methods(sqlite3_file* file) { return real(file)->pMethods; }
sqlite3_vfs* below(sqlite3_vfs* vfs) { return static_cast<std::pair<Disk*, sqlite3_vfs*>*>(vfs->pAppData)->second; }
Disk* disk(sqlite3_vfs* vfs) { return static_cast<std::pair<Disk*, sqlite3_vfs*>*>(vfs->pAppData)->first; }

sqlite3_int64 size_of(sqlite3_file* real) {
    sqlite3_int64 size = 0;
    real->pMethods->xFileSize(real, &size);
    return size;
}
std::string bytes_of(sqlite3_file* real, std::size_t offset, std::size_t bytes) {
    std::string out(bytes, '\0');
    if (bytes > 0) real->pMethods->xRead(real, out.data(), static_cast<int>(bytes), static_cast<sqlite3_int64>(offset));
    return out;
}
// Of bytes that are about to be written, or cut off.
void remember(sqlite3_file* file, bool truncate, std::size_t offset, std::string_view bytes) {
    auto* const content = of(file)->content;
    if (!content) return;
    auto const size = static_cast<std::size_t>(size_of(real(file)));
    std::size_t const end = truncate ? size : std::min(size, offset + bytes.size());
    (*content)->unsynced.push_back({truncate, offset, std::string{bytes}, bytes_of(real(file), offset, end - std::min(end, offset)), size});
}

int close(sqlite3_file* file) {
    delete of(file)->content;
    return methods(file)->xClose(real(file));
}
int read(sqlite3_file* file, void* into, int bytes, sqlite3_int64 at) { return methods(file)->xRead(real(file), into, bytes, at); }
int write(sqlite3_file* file, void const* from, int bytes, sqlite3_int64 at) {
    bool half = false;
    int const code = of(file)->disk->decide(half);
    if (code != SQLITE_OK && !half) return code;
    if (of(file)->disk->full() && at + bytes > size_of(real(file))) return SQLITE_FULL;
    int const length = half ? bytes / 2 : bytes;
    remember(file, false, static_cast<std::size_t>(at), {static_cast<char const*>(from), static_cast<std::size_t>(length)});
    int const written = methods(file)->xWrite(real(file), from, length, at);
    return code != SQLITE_OK ? code : written;
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
    bool half = false;
    if (of(file)->disk->decide(half) != SQLITE_OK) return SQLITE_IOERR_TRUNCATE;
    remember(file, true, static_cast<std::size_t>(size), {});
    return methods(file)->xTruncate(real(file), size);
}
int sync(sqlite3_file* file, int flags) {
    bool half = false;
    auto* const content = of(file)->content;
    if (int const code = of(file)->disk->decide(half, true); code != SQLITE_OK) {
        // As Linux does: the pages count as clean from now on although they never reached the disk.
        if (content && !of(file)->disk->dead()) {
            (*content)->durable = durable_of(**content, bytes_of(real(file), 0, static_cast<std::size_t>(size_of(real(file)))));
            (*content)->unsynced.clear();
        }
        return code == SQLITE_FULL ? code : SQLITE_IOERR_FSYNC;
    }
    if (content) {
        if (auto& durable = (*content)->durable)
            for (Disk::Write const& one : (*content)->unsynced) apply(*durable, one);
        (*content)->unsynced.clear();
    }
    return methods(file)->xSync(real(file), flags);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) { return methods(file)->xFileSize(real(file), size); }
int lock(sqlite3_file* file, int level) { return methods(file)->xLock(real(file), level); }
int unlock(sqlite3_file* file, int level) { return methods(file)->xUnlock(real(file), level); }
int check_lock(sqlite3_file* file, int* out) { return methods(file)->xCheckReservedLock(real(file), out); }
int control(sqlite3_file* file, int op, void* argument) { return methods(file)->xFileControl(real(file), op, argument); }
int sector(sqlite3_file* file) { return methods(file)->xSectorSize(real(file)); }
int traits(sqlite3_file* file) { return methods(file)->xDeviceCharacteristics(real(file)); }
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
    return methods(file)->xShmMap(real(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int n, int flags) {
    bool const to_write = offset == 0 && (flags & SQLITE_SHM_EXCLUSIVE) && (flags & SQLITE_SHM_LOCK);
    if (to_write && of(file)->disk->locked()) return SQLITE_BUSY;
    return methods(file)->xShmLock(real(file), offset, n, flags);
}
void shm_barrier(sqlite3_file* file) { methods(file)->xShmBarrier(real(file)); }
int shm_unmap(sqlite3_file* file, int remove) { return methods(file)->xShmUnmap(real(file), remove); }

sqlite3_io_methods const file_methods = {2,       close,  read,   write,   truncate, sync,        file_size, lock,    unlock, check_lock,
                                         control, sector, traits, shm_map, shm_lock, shm_barrier, shm_unmap, nullptr, nullptr};

int open(sqlite3_vfs* vfs, char const* name, sqlite3_file* file, int flags, int* out) {
    File* const ours = new (file) File{};
    ours->disk = disk(vfs);
    ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
    std::memset(static_cast<void*>(ours->real), 0, static_cast<std::size_t>(below(vfs)->szOsFile));
    int const code = below(vfs)->xOpen(below(vfs), name, ours->real, flags, out);
    ours->base.pMethods = ours->real->pMethods ? &file_methods : nullptr;
    bool const keeps = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
    if (code == SQLITE_OK && name && keeps && ours->disk->remembers())
        ours->content = new std::shared_ptr<Disk::Content>(ours->disk->content_of(name, ours->real));
    return code;
}
int remove(sqlite3_vfs* vfs, char const* name, int sync_directory) {
    bool half = false;
    if (disk(vfs)->decide(half) != SQLITE_OK) return SQLITE_IOERR_DELETE;
    disk(vfs)->forget(name);
    return below(vfs)->xDelete(below(vfs), name, sync_directory);
}
int access(sqlite3_vfs* vfs, char const* name, int flags, int* out) { return below(vfs)->xAccess(below(vfs), name, flags, out); }
// A relative name stays one, so that no path of this machine finds its way into a world that must repeat itself.
int full_path(sqlite3_vfs*, char const* name, int bytes, char* out) {
    sqlite3_snprintf(bytes, out, "%s", name);
    return SQLITE_OK;
}
int randomness(sqlite3_vfs* vfs, int bytes, char* out) { return below(vfs)->xRandomness(below(vfs), bytes, out); }
int sleep(sqlite3_vfs*, int us) { return us; }  // a wait for a lock passes no time here
int current_time(sqlite3_vfs* vfs, double* out) { return below(vfs)->xCurrentTime(below(vfs), out); }
int last_error(sqlite3_vfs* vfs, int bytes, char* out) { return below(vfs)->xGetLastError(below(vfs), bytes, out); }
int current_time64(sqlite3_vfs* vfs, sqlite3_int64* out) { return below(vfs)->xCurrentTimeInt64(below(vfs), out); }
}  // namespace

Disk::Disk(std::string name, std::uint64_t seed) : name_(std::move(name)), dice_(seed) {
    sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    vfs_ = new sqlite3_vfs{};
    vfs_->iVersion = 2;
    vfs_->szOsFile = static_cast<int>(sizeof(File)) + system->szOsFile;
    vfs_->mxPathname = system->mxPathname;
    vfs_->zName = name_.c_str();
    vfs_->pAppData = new std::pair<Disk*, sqlite3_vfs*>{this, system};
    vfs_->xOpen = open;
    vfs_->xDelete = remove;
    vfs_->xAccess = access;
    vfs_->xFullPathname = full_path;
    vfs_->xRandomness = randomness;
    vfs_->xSleep = sleep;
    vfs_->xCurrentTime = current_time;
    vfs_->xGetLastError = last_error;
    vfs_->xCurrentTimeInt64 = current_time64;
    sqlite3_vfs_register(vfs_, 0);
}

Disk::~Disk() {
    sqlite3_vfs_unregister(vfs_);
    delete static_cast<std::pair<Disk*, sqlite3_vfs*>*>(vfs_->pAppData);
    delete vfs_;
}

void Disk::arm(std::uint64_t nth, How how, bool lasting) {
    operations_ = 0;
    fail_at_ = nth;
    how_ = how;
    lasting_ = lasting;
    fired_ = false;
}

void Disk::disarm() { arm(0, How::io_error); }

int Disk::decide(bool& half, bool sync) {
    if (dead_) return SQLITE_IOERR;
    ++operations_;
    bool const due = fail_at_ != 0 && (lasting_ ? operations_ >= fail_at_ : operations_ == fail_at_);
    if (!due) return dice_.one_in(errors_one_in_) ? (sync ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE) : SQLITE_OK;
    fired_ = true;
    half = how_ == How::short_write;
    switch (how_) {
        case How::disk_full: return SQLITE_FULL;
        case How::read_only: return SQLITE_READONLY;
        case How::power_cut: dead_ = true; break;
        case How::io_error:
        case How::short_write: break;
    }
    return SQLITE_IOERR_WRITE;
}

// What is there when it is opened was there before this disk was watched, or was moved here by a rename: it counts as durable.
std::shared_ptr<Disk::Content> Disk::content_of(std::string const& path, sqlite3_file* real) {
    std::shared_ptr<Content>& content = contents_[path];
    bool const known = content && (content.use_count() > 1 || !content->unsynced.empty() ||
                                   (content->durable && content->durable->size() == static_cast<std::size_t>(size_of(real))));
    if (!known) content = std::make_shared<Content>();
    return content;
}

void Disk::revive(bool power_was_lost) {
    for (auto const& [path, content] : contents_)
        if (power_was_lost && (!content->unsynced.empty() || content->durable)) tear(path, *content);
    contents_.clear();
    disarm();
    full_ = locked_ = dead_ = false;
    errors_one_in_ = 0;
}

void Disk::tear(std::string const& path, Content const& content) {
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    if (!in) return;
    std::string file(static_cast<std::size_t>(in.tellg()), '\0');
    in.seekg(0).read(file.data(), static_cast<std::streamsize>(file.size()));
    std::string image = durable_of(content, std::move(file));
    std::uint64_t const kept_of_four = dice_.below(5);  // 0: nothing that was not synced, 4: all of it
    for (Write const& write : content.unsynced) {
        if (write.truncate || write.bytes.empty()) {
            if (dice_.below(4) < kept_of_four) apply(image, write);
            continue;
        }
        std::size_t offset = write.offset;
        std::string_view rest = write.bytes;
        while (!rest.empty()) {
            std::size_t const in_sector = std::min(rest.size(), sector_bytes - offset % sector_bytes);
            if (dice_.below(4) < kept_of_four)
                put(image, offset, rest.substr(0, in_sector));
            else
                ++sectors_lost_;
            offset += in_sector;
            rest.remove_prefix(in_sector);
        }
    }
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(image.data(), static_cast<std::streamsize>(image.size()));
}

}  // namespace marrowlink::sim
