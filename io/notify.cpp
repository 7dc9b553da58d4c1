#include "io/notify.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace marrowlink {
namespace {

constexpr std::size_t status_bytes_max = 1024;

std::string_view environment(char const* name) {
    char const* const value = std::getenv(name);
    return value ? value : "";
}

std::optional<long long> number(std::string_view text) {
    long long value = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || value <= 0) return std::nullopt;
    return value;
}

tl::unexpected<Error> unusable(std::string_view socket, int code) {
    return fail(Fault::unavailable, fmt::format("The service manager's socket \"{}\" (NOTIFY_SOCKET) cannot be used: {}.", socket,
                                                std::generic_category().message(code)));
}

}  // namespace

Result<Notify> Notify::from_environment() {
    std::optional<std::chrono::microseconds> watchdog;
    auto const pid = number(environment("WATCHDOG_PID"));
    if (!pid || *pid == ::getpid())
        if (auto const usec = number(environment("WATCHDOG_USEC"))) watchdog = std::chrono::microseconds(*usec);
    return to(environment("NOTIFY_SOCKET"), watchdog);
}

Result<Notify> Notify::to(std::string_view socket, std::optional<std::chrono::microseconds> watchdog) {
    if (socket.empty()) return Notify(-1, std::nullopt);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.size() >= sizeof(address.sun_path)) return unusable(socket, ENAMETOOLONG);
    std::copy(socket.begin(), socket.end(), address.sun_path);
    if (socket[0] == '@') address.sun_path[0] = '\0';
    int const descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return unusable(socket, errno);
    Notify made(descriptor, watchdog);
    auto const bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
    if (::connect(descriptor, reinterpret_cast<sockaddr const*>(&address), bytes) != 0) return unusable(socket, errno);
    return made;
}

Notify::Notify(Notify&& other) noexcept : socket_(std::exchange(other.socket_, -1)), watchdog_(other.watchdog_) {}

Notify& Notify::operator=(Notify&& other) noexcept {
    std::swap(socket_, other.socket_);
    std::swap(watchdog_, other.watchdog_);
    return *this;
}

Notify::~Notify() {
    if (socket_ >= 0) ::close(socket_);
}

Result<void> Notify::status(std::string_view text) const {
    std::string line = "STATUS=";
    line += text.substr(0, status_bytes_max);
    std::replace(line.begin(), line.end(), '\n', ' ');
    return send(line);
}

std::optional<std::chrono::milliseconds> Notify::alive_period() const {
    if (!watchdog_) return std::nullopt;
    return std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(*watchdog_ / 2));
}

Result<void> Notify::send(std::string_view state) const {
    if (socket_ < 0) return {};
    // Never waits: a service manager that does not read must not stop a gateway that does its work.
    if (::send(socket_, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(state.size())) return {};
    return fail(Fault::unavailable,
                fmt::format("The service manager did not take \"{}\": {}.", state, std::generic_category().message(errno)));
}

}  // namespace marrowlink
