#include "io/pty.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

namespace marrowlink {
namespace {
using boost::asio::posix::stream_descriptor;

constexpr std::chrono::milliseconds reopen_poll{50};  // how soon a new opener is noticed: the kernel announces none

// The master end. EIO means that nobody holds the other end, which is no error for an instrument: it waits for the next caller.
class PtyMaster final : public Transport {
 public:
    PtyMaster(stream_descriptor master, Clock& clock) : master_(std::move(master)), clock_(clock) {}

    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override {
        for (;;) {
            ssize_t const n = ::read(master_.native_handle(), into.data(), into.size());
            int const error = errno;
            if (n > 0) co_return static_cast<std::size_t>(n);
            if (n == 0 || (error != EIO && error != EAGAIN && error != EINTR))
                co_return fail(Fault::closed,
                               fmt::format("The pseudo-terminal failed: {}.", n == 0 ? "it was closed" : std::strerror(error)));
            if (clock_.now() >= deadline) co_return fail(Fault::timed_out, "Nothing came before the deadline.");
            if (error == EIO)
                co_await clock_.sleep_until(std::min(deadline, clock_.now() + reopen_poll));
            else
                co_await ready(stream_descriptor::wait_read, deadline);
        }
    }

    Task<Result<void>> write(std::span<std::byte const> bytes) override {
        while (!bytes.empty()) {
            ssize_t const n = ::write(master_.native_handle(), bytes.data(), bytes.size());
            int const error = errno;
            if (n > 0)
                bytes = bytes.subspan(static_cast<std::size_t>(n));
            else if (error == EIO)
                co_return Result<void>{};  // nobody listens: the bytes are lost, as on a line
            else if (error != EAGAIN && error != EINTR)
                co_return fail(Fault::closed, fmt::format("The pseudo-terminal failed: {}.", std::strerror(error)));
            else
                co_await ready(stream_descriptor::wait_write, clock_.now() + reopen_poll);
        }
        co_return Result<void>{};
    }

 private:
    Task<void> ready(stream_descriptor::wait_type what, Clock::Instant deadline) {
        using namespace boost::asio::experimental::awaitable_operators;
        auto event = wait(what);
        auto sleep = clock_.sleep_until(deadline);
        co_await (std::move(event) || std::move(sleep));
    }
    Task<void> wait(stream_descriptor::wait_type what) {
        boost::system::error_code ignored;
        co_await master_.async_wait(what, boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    }

    stream_descriptor master_;
    Clock& clock_;
};

tl::unexpected<Error> failed(std::string_view what) {
    return fail(Fault::unavailable, fmt::format("A pseudo-terminal could not be {}: {}.", what, std::strerror(errno)));
}
}  // namespace

Result<Pty> open_pty(boost::asio::any_io_executor loop, Clock& clock) {
    int const fd = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return failed("opened");
    stream_descriptor master{loop, fd};
    std::array<char, 64> path{};
    if (::grantpt(fd) != 0 || ::unlockpt(fd) != 0 || ::ptsname_r(fd, path.data(), path.size()) != 0) return failed("unlocked");
    termios settings{};
    if (::tcgetattr(fd, &settings) != 0) return failed("set up");
    ::cfmakeraw(&settings);
    if (::tcsetattr(fd, TCSANOW, &settings) != 0) return failed("set up");
    return Pty{std::make_unique<PtyMaster>(std::move(master), clock), path.data()};
}

Result<void> link_pty(std::string const& path, std::filesystem::path const& link) {
    namespace fs = std::filesystem;
    std::error_code error;
    fs::file_status const there = fs::symlink_status(link, error);
    if (fs::exists(there) && !fs::is_symlink(there))
        return fail(Fault::refused, fmt::format("{} exists and is not a link; choose another name.", link.string()));
    fs::path const fresh = link.string() + ".new";
    fs::remove(fresh, error);
    fs::create_symlink(path, fresh, error);
    if (!error) fs::rename(fresh, link, error);
    if (error)
        return fail(Fault::unavailable, fmt::format("{} could not be made to point to {}: {}.", link.string(), path, error.message()));
    return {};
}

}  // namespace marrowlink
