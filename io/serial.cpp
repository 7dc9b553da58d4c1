#include "io/serial.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <boost/asio/serial_port.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "io/stream_transport.hpp"

namespace marrowlink {
namespace {
namespace fs = std::filesystem;
using boost::asio::serial_port;

// Owns a descriptor until it is handed on.
struct Descriptor {
    int fd = -1;
    explicit Descriptor(int f) : fd(f) {}
    Descriptor(Descriptor const&) = delete;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
    int release() { return std::exchange(fd, -1); }
};

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

tl::unexpected<Error> held(std::string const& path, std::optional<Owner> const& owner) {
    if (!owner)
        return fail(Fault::unavailable,
                    fmt::format("{} is held by another program that this user cannot see. Find it with: sudo fuser -v {}", path, path));
    if (owner->pid == ::getpid())
        return fail(Fault::unavailable,
                    fmt::format("{} is already in use by another instrument of this gateway; give each instrument its own port.", path));
    return fail(Fault::unavailable, fmt::format("{} is held by {} (process {}). Stop it, for example with: sudo kill {}", path, owner->name,
                                                owner->pid, owner->pid));
}

tl::unexpected<Error> open_failure(std::string const& path, int error) {
    if (error == ENOENT || error == ENODEV || error == ENXIO)
        return fail(
            Fault::unavailable,
            fmt::format("{} is not there: the device is unplugged or has another name. What is there: ls -l /dev/serial/by-id", path));
    if (error == EBUSY) return held(path, owner_of(path, -1));
    if (error == EACCES || error == EPERM) {
        struct stat info {};
        std::string group = "dialout";
        if (::stat(path.c_str(), &info) == 0)
            if (::group const* const entry = ::getgrgid(info.st_gid); entry && info.st_gid != 0) group = entry->gr_name;
        return fail(
            Fault::unavailable,
            fmt::format(
                "User {} may not open {}; the port belongs to group {}. Grant it with: sudo usermod -aG {} {} — then restart the gateway.",
                user_name(), path, group, group, user_name()));
    }
    return fail(Fault::unavailable, fmt::format("{} could not be opened: {}.", path, std::strerror(error)));
}

// A pseudo-terminal keeps the exclusive mark after whoever set it was killed, as long as its master lives; a real port forgets it.
bool is_pseudo_terminal(int fd) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && major(info.st_rdev) >= 136 && major(info.st_rdev) <= 143;
}

Result<void> reserve(std::string const& path, int fd) {
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return held(path, owner_of(path, fd));
    int exclusive = 0;
    // Root passes the exclusive mark of others without noticing.
    if (::ioctl(fd, TIOCGEXCL, &exclusive) == 0 && exclusive != 0)
        if (auto const owner = owner_of(path, fd)) return held(path, owner);
    if (!is_pseudo_terminal(fd)) ::ioctl(fd, TIOCEXCL);
    return {};
}

Result<void> make_raw(std::string const& path, int fd) {
    termios settings{};
    if (::tcgetattr(fd, &settings) != 0)
        return fail(Fault::configuration, fmt::format("{} is not a serial port ({}).", path, std::strerror(errno)));
    ::cfmakeraw(&settings);
    settings.c_iflag |= IGNPAR;
    settings.c_cflag |= CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
    // Not TCSAFLUSH: what the instrument has sent already is not ours to throw away.
    if (::tcsetattr(fd, TCSANOW, &settings) != 0)
        return fail(Fault::unavailable, fmt::format("{} could not be set up: {}.", path, std::strerror(errno)));
    return {};
}

template <class Option>
Result<void> set(serial_port& port, std::string const& path, std::string_view what, Option option) {
    boost::system::error_code error;
    port.set_option(option, error);
    if (error) return fail(Fault::configuration, fmt::format("{} does not accept {}: {}.", path, what, error.message()));
    return {};
}

Result<void> configure(serial_port& port, SerialSettings const& s) {
    using base = boost::asio::serial_port_base;
    auto const parity = s.parity == Parity::none ? base::parity::none : s.parity == Parity::odd ? base::parity::odd : base::parity::even;
    auto const stop = s.stop_bits == 2 ? base::stop_bits::two : base::stop_bits::one;
    auto const flow = s.flow == FlowControl::none       ? base::flow_control::none
                      : s.flow == FlowControl::software ? base::flow_control::software
                                                        : base::flow_control::hardware;
    return set(port, s.path, fmt::format("{} baud", s.baud), base::baud_rate(s.baud))
        .and_then([&] { return set(port, s.path, fmt::format("{} data bits", s.data_bits), base::character_size(s.data_bits)); })
        .and_then([&] { return set(port, s.path, "this parity", base::parity(parity)); })
        .and_then([&] { return set(port, s.path, fmt::format("{} stop bits", s.stop_bits), base::stop_bits(stop)); })
        .and_then([&] { return set(port, s.path, "this flow control", base::flow_control(flow)); });
}
}  // namespace

std::string describe(SerialSettings const& s) {
    char const parity = s.parity == Parity::none ? 'N' : s.parity == Parity::odd ? 'O' : 'E';
    return fmt::format("{} {} {}{}{}", s.path, s.baud, s.data_bits, parity, s.stop_bits);
}

bool is_unstable_name(std::string const& path) { return path.rfind("/dev/ttyUSB", 0) == 0 || path.rfind("/dev/ttyACM", 0) == 0; }

SerialPortFactory::SerialPortFactory(boost::asio::any_io_executor loop, SerialSettings settings)
    : loop_(std::move(loop)), settings_(std::move(settings)) {}

std::string SerialPortFactory::name() const { return describe(settings_); }

Task<Result<std::unique_ptr<Transport>>> SerialPortFactory::open() {
    if (settings_.data_bits < 5 || settings_.data_bits > 8 || settings_.stop_bits < 1 || settings_.stop_bits > 2)
        co_return fail(Fault::configuration, fmt::format("{} asks for {} data and {} stop bits, expected 5 to 8 and 1 or 2.",
                                                         settings_.path, settings_.data_bits, settings_.stop_bits));
    Descriptor fd{::open(settings_.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
    if (fd.fd < 0) co_return open_failure(settings_.path, errno);
    auto const reserved = reserve(settings_.path, fd.fd);
    if (!reserved) co_return fail(reserved.error());
    auto const raw = make_raw(settings_.path, fd.fd);
    if (!raw) co_return fail(raw.error());
    serial_port port{loop_};
    boost::system::error_code error;
    port.assign(fd.fd, error);
    if (error) co_return fail(Fault::unavailable, fmt::format("{} could not be watched: {}.", settings_.path, error.message()));
    fd.release();
    auto const configured = configure(port, settings_);
    if (!configured) co_return fail(configured.error());
    std::unique_ptr<Transport> transport = std::make_unique<StreamTransport<serial_port>>(std::move(port), settings_.path);
    co_return transport;
}

}  // namespace marrowlink
