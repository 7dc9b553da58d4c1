#include "io/directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace marrowlink {
namespace {
Result<void> sync_directory(std::filesystem::path const& directory) {
    int const file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool const good = file >= 0 && ::fsync(file) == 0;
    int const why = errno;
    if (file >= 0) ::close(file);
    if (!good)
        return fail(Fault::unavailable,
                    fmt::format("{}: its names could not be made durable: {}.", directory.string(), std::strerror(why)));
    return {};
}

Result<void> make_directory(std::filesystem::path const& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error)
        return fail(Fault::unavailable, fmt::format("{}: the directory could not be made: {}.", directory.string(), error.message()));
    return {};
}

std::string read_text(int file) {
    char text[64];
    ssize_t const count = ::pread(file, text, sizeof text, 0);
    std::string out(text, count > 0 ? static_cast<std::size_t>(count) : 0);
    while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
    return out;
}
}  // namespace

Result<DirectoryLock> DirectoryLock::take(std::filesystem::path const& directory, std::string const& name) {
    if (auto made = make_directory(directory); !made) return fail(made.error());
    auto const path = directory / name;
    int const file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (file < 0)
        return fail(Fault::unavailable, fmt::format("{}: the lock could not be opened: {}.", path.string(), std::strerror(errno)));
    DirectoryLock lock{file};
    if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
        std::string const who = read_text(file);
        return fail(Fault::unavailable,
                    fmt::format("{} is in use by process {}; two gateways cannot share one outbox: stop that one, or give this one a "
                                "directory of its own.",
                                directory.string(), who.empty() ? "unknown" : who));
    }
    // For people and for the message above; the lock itself is the kernel's.
    std::string const pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(file, 0) != 0 || ::pwrite(file, pid.data(), pid.size(), 0) < 0)
        return fail(Fault::unavailable, fmt::format("{}: the lock could not be written: {}.", path.string(), std::strerror(errno)));
    return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
DirectoryLock::~DirectoryLock() {
    if (file_ >= 0) ::close(file_);
}

Result<void> move_durably(std::filesystem::path const& from, std::filesystem::path const& to) {
    if (auto made = make_directory(to.parent_path()); !made) return made;
    std::error_code error;
    if (std::filesystem::exists(to, error))
        return fail(Fault::refused, fmt::format("{} exists already; {} was left where it is.", to.string(), from.string()));
    std::filesystem::rename(from, to, error);
    if (error)
        return fail(Fault::unavailable, fmt::format("{} could not be moved to {}: {}.", from.string(), to.string(), error.message()));
    if (auto durable = sync_directory(to.parent_path()); !durable) return durable;
    return sync_directory(from.has_parent_path() ? from.parent_path() : std::filesystem::path{"."});
}

}  // namespace marrowlink
