#include "io/folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace marrowlink {
namespace fs = std::filesystem;
namespace {
// Of a file that is written, only its appearance and its closing: between them the poll is soon enough.
constexpr std::uint32_t watched_events = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

struct Descriptor {
    int fd;
    explicit Descriptor(int opened) : fd(opened) {}
    Descriptor(Descriptor const&) = delete;
    Descriptor& operator=(Descriptor const&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

// What a person can do about it. `what`: "The export folder", "The file".
std::string explained(std::string_view what, int error) {
    switch (error) {
        case EACCES:
        case EPERM: return fmt::format("{} may not be read by this program; give its user the right to.", what);
        case ENOENT: return fmt::format("{} is not there.", what);
        case ENOTDIR: return fmt::format("{} is not a folder.", what);
        case EBUSY:
        case ETXTBSY:
        case EAGAIN: return fmt::format("{} is held by another program; it is tried again.", what);
        case ESTALE:
        case EHOSTDOWN:
        case EHOSTUNREACH:
        case ENOTCONN:
        case ETIMEDOUT:
        case EIO: return fmt::format("{} cannot be reached ({}); check the network share or the disk.", what, std::strerror(error));
        default: return fmt::format("{} cannot be read: {}.", what, std::strerror(error));
    }
}

std::int64_t nanoseconds(timespec const& time) { return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

// The length of the UTF-8 character that begins here, or 0.
std::size_t character_bytes(std::string_view text) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned char const lead = byte(0);
    if (lead < 0x80) return 1;
    std::size_t const length = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
    if (length == 0 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    // Overlong forms, surrogates, and beyond U+10FFFF.
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF0 && byte(1) < 0x90) ||
        (lead == 0xF4 && byte(1) > 0x8F))
        return 0;
    return length;
}

int nibble(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }
}  // namespace

std::string shown_name(std::string_view bytes) {
    std::string out;
    while (!bytes.empty()) {
        std::size_t const length = character_bytes(bytes);
        auto const lead = static_cast<unsigned char>(bytes.front());
        if (length == 0 || lead < 0x20 || lead == 0x7F || lead == '\\') {
            out += fmt::format("\\x{:02X}", lead);
            bytes.remove_prefix(1);
        } else {
            out += bytes.substr(0, length);
            bytes.remove_prefix(length);
        }
    }
    return out;
}

std::string bytes_of_shown_name(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        if (name[i] == '\\' && i + 3 < name.size() && name[i + 1] == 'x' && nibble(name[i + 2]) >= 0 && nibble(name[i + 3]) >= 0) {
            out += static_cast<char>(nibble(name[i + 2]) * 16 + nibble(name[i + 3]));
            i += 3;
        } else {
            out += name[i];
        }
    }
    return out;
}

FileFolder::FileFolder(FileFolderOptions options, Clock& clock, boost::asio::any_io_executor loop)
    : options_(std::move(options)), clock_(clock), announcements_(loop) {
    if (int const fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); fd >= 0) announcements_.assign(fd);
}

// Again with each listing: a share that was mounted anew, or a folder made anew, is another one. For the same folder it changes nothing.
void FileFolder::watch() {
    if (announcements_.is_open()) ::inotify_add_watch(announcements_.native_handle(), options_.path.c_str(), watched_events);
}

Result<std::vector<FolderEntry>> FileFolder::list() {
    std::error_code error;
    fs::directory_iterator it{options_.path, error};
    if (error) return fail(Fault::unavailable, explained("The export folder", error.value()));
    watch();
    std::vector<FolderEntry> entries;
    for (; it != fs::directory_iterator{}; it.increment(error)) {
        std::string const bytes = it->path().filename().string();
        if (::fnmatch(options_.pattern.c_str(), bytes.c_str(), FNM_PERIOD | FNM_CASEFOLD) != 0) continue;
        struct stat info {};
        // Gone since, or no right to it: not there for us.
        if (::lstat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
        entries.push_back({shown_name(bytes), static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim)});
    }
    // A listing that broke off would make files look deleted.
    if (error) return fail(Fault::unavailable, explained("The export folder", error.value()));
    std::sort(entries.begin(), entries.end(), [](FolderEntry const& a, FolderEntry const& b) { return a.name < b.name; });
    return entries;
}

Result<std::string> FileFolder::read(std::string const& name, std::uint64_t bytes_max) {
    last_read_.reset();
    fs::path const path = options_.path / bytes_of_shown_name(name);
    // O_NONBLOCK: what was a file a moment ago may be a pipe now.
    Descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)};
    if (file.fd < 0) return fail(Fault::unavailable, explained("The file", errno));
    struct stat before {};
    if (::fstat(file.fd, &before) != 0) return fail(Fault::unavailable, explained("The file", errno));
    if (!S_ISREG(before.st_mode)) return fail(Fault::unavailable, "It is no regular file any more.");
    auto const size = static_cast<std::uint64_t>(before.st_size);
    if (size > bytes_max) return fail(Fault::refused, fmt::format("It has {} bytes; files of at most {} are read.", size, bytes_max));
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        ssize_t const got = ::read(file.fd, bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Fault::unavailable, explained("The file", errno));
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    struct stat after {};
    if (::fstat(file.fd, &after) != 0) return fail(Fault::unavailable, explained("The file", errno));
    if (have != bytes.size() || after.st_size != before.st_size || nanoseconds(after.st_mtim) != nanoseconds(before.st_mtim))
        return fail(Fault::unavailable, "It changed while it was read; it is tried again.");
    last_read_ = Seen{name, after.st_dev, after.st_ino, size, nanoseconds(after.st_mtim)};
    return bytes;
}

Result<void> FileFolder::taken(std::string const& name) {
    if (options_.originals == Originals::stay) return {};
    fs::path const path = options_.path / bytes_of_shown_name(name);
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};  // somebody was faster
        return fail(Fault::unavailable, explained("The file", errno));
    }
    Seen const now{name, info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), nanoseconds(info.st_mtim)};
    if (!S_ISREG(info.st_mode) || last_read_ != now)
        return fail(Fault::unavailable, "It was written again since it was read; it is looked at again.");
    if (options_.originals == Originals::move) return move_away(path);
    std::error_code error;
    fs::remove(path, error);
    if (error) return fail(Fault::unavailable, fmt::format("It cannot be deleted ({}); give this program the right to.", error.message()));
    return {};
}

Result<void> FileFolder::move_away(fs::path const& from) const {
    std::error_code error;
    fs::create_directories(options_.move_to, error);
    if (error) return fail(Fault::unavailable, fmt::format("The folder to move it to cannot be made: {}.", error.message()));
    fs::path to = options_.move_to / from.filename();
    for (unsigned n = 2; fs::symlink_status(to, error).type() != fs::file_type::not_found; ++n) {
        if (n > namesakes_max)
            return fail(Fault::full,
                        fmt::format("The folder to move it to holds {} files of this name; move some elsewhere.", namesakes_max));
        to = options_.move_to / from.stem();
        to += fmt::format(" ({})", n);
        to += from.extension();
    }
    fs::rename(from, to, error);
    if (error == std::errc::cross_device_link) {
        // The whole copy first, under a name that is not mistaken for it: a stop in the middle must leave the original.
        fs::path half = to;
        half += ".part";
        fs::copy_file(from, half, fs::copy_options::overwrite_existing, error);
        if (!error) {
            Descriptor const copy{::open(half.c_str(), O_RDONLY | O_CLOEXEC)};
            if (copy.fd < 0 || ::fsync(copy.fd) != 0) error.assign(errno, std::generic_category());
        }
        if (!error) fs::rename(half, to, error);
        if (!error) {
            Descriptor const folder{::open(options_.move_to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
            if (folder.fd < 0 || ::fsync(folder.fd) != 0) error.assign(errno, std::generic_category());
        }
        if (!error) fs::remove(from, error);
    }
    if (error)
        return fail(Fault::unavailable,
                    fmt::format("It cannot be moved ({}); give this program the right to write in both folders.", error.message()));
    return {};
}

Task<void> FileFolder::wait_for_change(Clock::Instant deadline) {
    using namespace boost::asio::experimental::awaitable_operators;
    if (!announcements_.is_open()) {
        co_await clock_.sleep_until(deadline);
        co_return;
    }
    auto sleep = clock_.sleep_until(deadline);
    auto word = announced();
    co_await (std::move(sleep) || std::move(word));
    drain();
}

Task<void> FileFolder::announced() {
    boost::system::error_code error;
    co_await announcements_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                       boost::asio::redirect_error(boost::asio::use_awaitable, error));
}

void FileFolder::drain() {
    char events[4096];
    while (::read(announcements_.native_handle(), events, sizeof events) > 0) {
    }
}

}  // namespace marrowlink
