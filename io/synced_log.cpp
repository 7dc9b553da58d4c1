#include "io/synced_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace marrowlink {

Result<SyncedLog> SyncedLog::open(std::filesystem::path const& path) {
    SyncedLog log;
    log.path_ = path;
    log.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log.fd_ < 0)
        return fail(Fault::unavailable, fmt::format("{} could not be opened for writing: {}.", path.string(), std::strerror(errno)));
    return log;
}

SyncedLog::~SyncedLog() {
    if (fd_ >= 0) ::close(fd_);
}

SyncedLog::SyncedLog(SyncedLog&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

SyncedLog& SyncedLog::operator=(SyncedLog&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(path_, other.path_);
    return *this;
}

Result<void> SyncedLog::append(std::string_view line) {
    while (!line.empty()) {
        ssize_t const n = ::write(fd_, line.data(), line.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(Fault::unavailable, fmt::format("{} could not be written: {}.", path_.string(), std::strerror(errno)));
        line.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fdatasync(fd_) != 0)
        return fail(Fault::unavailable, fmt::format("{} could not be made durable: {}.", path_.string(), std::strerror(errno)));
    return {};
}

}  // namespace marrowlink
