#include "io/serial.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <optional>

#include "io/pty.hpp"
#include "io/system.hpp"
#include "tests/io/real_loop.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {
struct Line {
    boost::asio::io_context loop{1};
    SystemClock clock;
    std::optional<Pty> pty;
    std::filesystem::path link = std::filesystem::temp_directory_path() / ("marrowlink-serial-" + std::to_string(::getpid()));

    Line() { plug(); }
    ~Line() { std::filesystem::remove(link); }
    void plug() {
        pty.reset();
        auto opened = open_pty(loop.get_executor(), clock);
        REQUIRE(opened);
        pty = std::move(*opened);
        REQUIRE(link_pty(pty->path, link));
    }
    SerialPortFactory port() { return {loop.get_executor(), SerialSettings{link.string()}}; }

    template <class T>
    T run(Task<T> task) {
        return run_on(loop, std::move(task), 10s);
    }
    Result<std::unique_ptr<Transport>> open() {
        SerialPortFactory factory = port();
        return run(factory.open());
    }
    Result<std::string> read(Transport& from, Clock::Instant deadline) {
        std::byte buffer[64];
        auto const n = run(from.read_some(buffer, deadline));
        if (!n) return fail(n.error());
        return std::string{reinterpret_cast<char const*>(buffer), *n};
    }
    Result<void> write(Transport& to, std::string_view text) { return run(to.write(std::as_bytes(std::span{text.data(), text.size()}))); }
};

// Runs `body` in another process, which reports when it is ready and then stays until it is released.
struct OtherProcess {
    pid_t pid = -1;
    int ready[2], go[2];
    explicit OtherProcess(std::function<void()> const& body) {
        REQUIRE(::pipe(ready) == 0);
        REQUIRE(::pipe(go) == 0);
        pid = ::fork();
        if (pid == 0) {
            body();
            char c = 1;
            (void)!::write(ready[1], &c, 1);
            (void)!::read(go[0], &c, 1);
            ::_exit(0);
        }
        char c = 0;
        REQUIRE(::read(ready[0], &c, 1) == 1);
    }
    ~OtherProcess() {
        char const c = 1;
        (void)!::write(go[1], &c, 1);
        ::waitpid(pid, nullptr, 0);
        for (int const fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
    }
};
}  // namespace

TEST_CASE("bytes pass a serial port both ways, every value unchanged") {
    Line line;
    auto port = line.open();
    INFO((port ? std::string{} : port.error().message));
    REQUIRE(port);
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    for (Transport* const from : {port->get(), line.pty->line.get()}) {
        Transport* const to = from == port->get() ? line.pty->line.get() : port->get();
        REQUIRE(line.write(*from, all));
        std::string got;
        while (got.size() < all.size()) {
            auto const part = line.read(*to, line.clock.now() + 5s);
            REQUIRE(part);
            got += *part;
        }
        CHECK(got == all);
    }
}

TEST_CASE("a passed deadline loses nothing, and bytes that are there come even then") {
    Line line;
    auto port = line.open();
    REQUIRE(port);
    auto const none = line.read(**port, line.clock.now() + 20ms);
    REQUIRE_FALSE(none);
    CHECK(none.error().fault == Fault::timed_out);
    REQUIRE(line.write(*line.pty->line, "later"));
    auto const later = line.read(**port, line.clock.now() - 1s);
    REQUIRE(later);
    CHECK(*later == "later");
    CHECK(line.read(**port, line.clock.now() - 1s).error().fault == Fault::timed_out);
}

TEST_CASE("a pulled adapter ends the read, frees the handle, and reopening works (field 35, field 39)") {
    Line line;
    auto port = line.open();
    REQUIRE(port);
    std::string const gone = line.pty->path;
    line.pty.reset();
    auto const read = line.read(**port, line.clock.now() + 5s);
    REQUIRE_FALSE(read);
    CHECK(read.error().fault == Fault::closed);
    CHECK(read.error().message.find(line.link.string()) != std::string::npos);
    CHECK_FALSE(line.write(**port, "x"));
    for (auto const& open_file : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        std::error_code error;
        CHECK(std::filesystem::read_symlink(open_file.path(), error).string().find(gone) == std::string::npos);
    }
    line.plug();
    auto again = line.open();
    REQUIRE(again);
    REQUIRE(line.write(*line.pty->line, "back"));
    CHECK(line.read(**again, line.clock.now() + 5s).value() == "back");
}

TEST_CASE("a port that is not there is named, and opens when it comes (field 38)") {
    Line line;
    std::filesystem::remove(line.link);
    for (int n = 0; n < 20; ++n) {
        auto const port = line.open();
        REQUIRE_FALSE(port);
        CHECK(port.error().fault == Fault::unavailable);
        CHECK(port.error().message.find(line.link.string() + " is not there") != std::string::npos);
        CHECK(port.error().message.find("ls -l /dev/serial/by-id") != std::string::npos);
    }
    line.plug();
    CHECK(line.open());
}

TEST_CASE("a port held by another process: the message names it (field 40)") {
    Line line;
    OtherProcess const holder{[&] {
        int const fd = ::open(line.pty->path.c_str(), O_RDWR | O_NOCTTY);
        ::flock(fd, LOCK_EX);
    }};
    auto const port = line.open();
    REQUIRE_FALSE(port);
    CHECK(port.error().fault == Fault::unavailable);
    CHECK(port.error().message.find("(process " + std::to_string(holder.pid) + ")") != std::string::npos);
    CHECK(port.error().message.find("sudo kill " + std::to_string(holder.pid)) != std::string::npos);
}

TEST_CASE("two instruments on one port: the second is told") {
    Line line;
    auto const first = line.open();
    REQUIRE(first);
    auto const second = line.open();
    REQUIRE_FALSE(second);
    CHECK(second.error().message.find("another instrument of this gateway") != std::string::npos);
}

TEST_CASE("a killed owner leaves the port free") {
    Line line;
    {
        OtherProcess const holder{[&] {
            auto port = line.open();
            if (port) port->release();
        }};
        ::kill(holder.pid, SIGKILL);
    }
    CHECK(line.open());
}

TEST_CASE("a missing right: the message gives the command (field 40)") {
    Line line;
    REQUIRE(::chmod(line.pty->path.c_str(), 0) == 0);
    uid_t const me = ::geteuid();
    if (me == 0) REQUIRE(::seteuid(65534) == 0);
    auto const port = line.open();
    if (me == 0) REQUIRE(::seteuid(0) == 0);
    REQUIRE_FALSE(port);
    CHECK(port.error().fault == Fault::unavailable);
    CHECK(port.error().message.find("may not open " + line.link.string()) != std::string::npos);
    CHECK(port.error().message.find("sudo usermod -aG ") != std::string::npos);
}

TEST_CASE("what is no serial port, and settings that none has, are configuration mistakes") {
    boost::asio::io_context loop{1};
    Line line;
    SerialPortFactory null{line.loop.get_executor(), SerialSettings{"/dev/null"}};
    auto const refused = line.run(null.open());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().fault == Fault::configuration);
    CHECK(refused.error().message.find("/dev/null is not a serial port") != std::string::npos);
    SerialSettings odd{line.link.string()};
    odd.data_bits = 9;
    SerialPortFactory nine{line.loop.get_executor(), odd};
    CHECK(line.run(nine.open()).error().fault == Fault::configuration);
    SerialSettings quick{line.link.string()};
    quick.baud = 12345;
    SerialPortFactory unheard{line.loop.get_executor(), quick};
    auto const baud = line.run(unheard.open());
    REQUIRE_FALSE(baud);
    CHECK(baud.error().message.find("12345 baud") != std::string::npos);
}

TEST_CASE("names that move between adapters are recognised (field 41)") {
    CHECK(is_unstable_name("/dev/ttyUSB0"));
    CHECK(is_unstable_name("/dev/ttyACM1"));
    CHECK_FALSE(is_unstable_name("/dev/serial/by-id/usb-FTDI_A1-if00-port0"));
    CHECK(describe({"/dev/ttyS0", 19200, 7, Parity::even, 2}) == "/dev/ttyS0 19200 7E2");
}

TEST_CASE("a simulator's terminal outlives its callers, and a file is never replaced by its link") {
    Line line;
    for (int n = 0; n < 3; ++n) {
        auto port = line.open();
        REQUIRE(port);
        REQUIRE(line.write(**port, "call"));
        CHECK(line.read(*line.pty->line, line.clock.now() + 5s).value() == "call");
        port->reset();
        CHECK(line.read(*line.pty->line, line.clock.now() + 20ms).error().fault == Fault::timed_out);
    }
    auto const file = line.link.string() + ".file";
    { std::filesystem::create_directory(file); }
    auto const refused = link_pty(line.pty->path, file);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("is not a link") != std::string::npos);
    std::filesystem::remove(file);
}
