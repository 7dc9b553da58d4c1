#include "io/port_claim.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

namespace marrowlink {
namespace {
namespace fs = std::filesystem;

struct Owner {
    int pid = 0;
    std::string name;
};

// Who else has the port open, as far as /proc lets this user see. `ours`: the descriptor just opened here, which does not count.
std::optional<Owner> owner_of(std::string const& path, int ours) {
    std::error_code error;
    fs::path const port = fs::canonical(path, error);
    if (error) return std::nullopt;
    fs::directory_iterator processes{"/proc", fs::directory_options::skip_permission_denied, error};
    for (; !error && processes != fs::directory_iterator{}; processes.increment(error)) {
        std::string const pid = processes->path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code denied;
        fs::directory_iterator open_files{processes->path() / "fd", denied};
        for (; !denied && open_files != fs::directory_iterator{}; open_files.increment(denied)) {
            std::error_code gone;
            fs::path const target = fs::read_symlink(open_files->path(), gone);
            if (gone || target != port) continue;
            int const number = std::stoi(pid);
            if (number == ::getpid() && open_files->path().filename() == std::to_string(ours)) continue;
            Owner owner{number, {}};
            std::ifstream comm{processes->path() / "comm"};
            std::getline(comm, owner.name);
            return owner;
        }
    }
    return std::nullopt;
}

std::string user_name() {
    passwd const* const entry = ::getpwuid(::geteuid());
    return entry ? entry->pw_name : std::to_string(::geteuid());
}

Error held(std::string const& path, std::optional<Owner> const& owner) {
    if (!owner)
        return Error{Fault::unavailable,
                     fmt::format("{} is held by another program that this user cannot see. Find it with: sudo fuser -v {}", path, path)};
    if (owner->pid == ::getpid())
        return Error{Fault::unavailable,
                     fmt::format("{} is already in use by another instrument of this gateway; give each instrument its own port.", path)};
    return Error{Fault::unavailable, fmt::format("{} is held by {} (process {}). Stop it, for example with: sudo kill {}", path,
                                                 owner->name, owner->pid, owner->pid)};
}

// A pseudo-terminal keeps the exclusive mark after whoever set it was killed, as long as its master lives; a real port forgets it.
bool is_pseudo_terminal(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && major(info.st_rdev) >= 136 && major(info.st_rdev) <= 143;
}
}  // namespace

Error port_failure(std::string const& path, int error) {
    if (error == ENOENT || error == ENODEV || error == ENXIO)
        return Error{
            Fault::unavailable,
            fmt::format("{} is not there: the device is unplugged or has another name. What is there: ls -l /dev/serial/by-id", path)};
    if (error == EBUSY) return held(path, owner_of(path, -1));
    if (error == EACCES || error == EPERM) {
        struct stat info {};
        std::string group = "dialout";
        if (::stat(path.c_str(), &info) == 0)
            if (::group const* const entry = ::getgrgid(info.st_gid); entry && info.st_gid != 0) group = entry->gr_name;
        return Error{
            Fault::unavailable,
            fmt::format(
                "User {} may not open {}; the port belongs to group {}. Grant it with: sudo usermod -aG {} {} — then restart the gateway.",
                user_name(), path, group, group, user_name())};
    }
    return Error{Fault::unavailable, fmt::format("{} could not be opened: {}.", path, std::strerror(error))};
}

PortClaim::~PortClaim() {
    if (fd_ >= 0) ::close(fd_);
}

Result<PortClaim> PortClaim::take(std::string const& path) {
    PortClaim claim{::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    if (claim.fd_ < 0) return fail(port_failure(path, errno));
    if (::flock(claim.fd_, LOCK_EX | LOCK_NB) != 0) return fail(held(path, owner_of(path, claim.fd_)));
    int exclusive = 0;
    // Root passes the exclusive mark of others without noticing.
    if (::ioctl(claim.fd_, TIOCGEXCL, &exclusive) == 0 && exclusive != 0)
        if (auto const owner = owner_of(path, claim.fd_)) return fail(held(path, owner));
    return claim;
}

void PortClaim::exclude_others() const {
    if (!is_pseudo_terminal(fd_)) ::ioctl(fd_, TIOCEXCL);
}

}  // namespace marrowlink
