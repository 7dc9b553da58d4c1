// A serial port that is open here and nowhere else: flock, and TIOCEXCL on real ports. Whoever talks to the port, and with whatever
// library, claims it first, so that the words for a port that cannot be had are the same everywhere (field 38, 40).
#pragma once

#include <string>
#include <utility>

#include "core/error.hpp"

namespace marrowlink {

class PortClaim {
 public:
    // Opens the port, not blocking. `unavailable`, with what to do: not there (unplugged), held by another process (named, when /proc
    // tells), no permission (the command that grants it).
    static Result<PortClaim> take(std::string const& path);

    ~PortClaim();
    PortClaim(PortClaim&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    PortClaim& operator=(PortClaim&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }

    int descriptor() const { return fd_; }
    // From now on nobody can open the port, ourselves included; only root passes. Ends when the port is closed everywhere.
    void exclude_others() const;
    int release() { return std::exchange(fd_, -1); }

 private:
    explicit PortClaim(int fd) : fd_(fd) {}
    int fd_;
};

// Why this port could not be opened, from errno.
Error port_failure(std::string const& path, int error);

}  // namespace marrowlink
