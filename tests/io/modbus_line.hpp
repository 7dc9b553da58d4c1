// A serial line in memory with a scripted device at its end: a pseudo-terminal whose master a thread of the test reads and answers. Written
// from the specification, with a CRC of its own; shares nothing with io/modbus.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "io/modbus.hpp"
#include "io/system.hpp"
#include "tests/io/real_loop.hpp"

namespace marrowlink::modbus_test {
using namespace std::chrono_literals;

inline std::string bytes(std::initializer_list<int> values) {
    std::string out;
    for (int const value : values) out += static_cast<char>(value);
    return out;
}

// MODBUS over Serial Line V1.02, 6.2.2.
inline std::string with_crc(std::string frame) {
    unsigned crc = 0xFFFF;
    for (unsigned char const c : frame) {
        crc ^= c;
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    return frame + bytes({static_cast<int>(crc & 0xFF), static_cast<int>(crc >> 8)});
}

// A device's registers: each holds its unit × 1000 + its address.
inline std::string registers_answer(std::string const& request) {
    auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(request[at]); };
    int const first = byte(2) << 8 | byte(3), count = byte(4) << 8 | byte(5);
    std::string out = request.substr(0, 2) + bytes({count * 2});
    for (int i = 0; i < count; ++i) {
        int const value = byte(0) * 1000 + first + i;
        out += bytes({value >> 8, value & 0xFF});
    }
    return with_crc(out);
}

class Line {
 public:
    // What the device does with one request of eight bytes (reads and single writes). Runs on the device's thread.
    using Script = std::function<void(Line&, std::string const& request)>;

    explicit Line(Script script) : script_(std::move(script)) {
        plug();
        device_ = std::thread([this] { serve(); });
    }
    ~Line() {
        ended_ = true;
        device_.join();
        CHECK_FALSE(damaged_);
        ::close(master_);
        std::filesystem::remove(link);
    }

    void say(std::string const& frame) const { (void)!::write(master_, frame.data(), frame.size()); }
    void replug() {  // the adapter is pulled and put back, and gets another number
        std::lock_guard const held{mine};
        ::close(master_);
        plug();
    }

    template <class T>
    T run(Task<T> task) {
        return run_on(loop, std::move(task), 20s);
    }
    ModbusPlace place() const { return ModbusSerial{link.string(), 115'200, Parity::even, 1}; }

    std::mutex mine;  // held by the device while its script runs, and by a test that touches what the script touches
    boost::asio::io_context loop{1};
    SystemClock clock;
    std::filesystem::path const link = std::filesystem::temp_directory_path() / ("marrowlink-modbus-" + std::to_string(::getpid()));

 private:
    void plug() {
        int const fd = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        REQUIRE(fd >= 0);
        REQUIRE(::grantpt(fd) == 0);
        REQUIRE(::unlockpt(fd) == 0);
        termios settings{};
        ::tcgetattr(fd, &settings);
        ::cfmakeraw(&settings);
        ::tcsetattr(fd, TCSANOW, &settings);
        std::filesystem::remove(link);
        std::filesystem::create_symlink(::ptsname(fd), link);
        master_ = fd;
    }
    void serve() {
        std::string request;
        for (bool idle = false; !ended_; idle = !hear(request))
            if (idle) std::this_thread::sleep_for(100us);
    }
    // False: nothing came.
    bool hear(std::string& request) {
        std::lock_guard const held{mine};
        pollfd port{master_, POLLIN, 0};
        char buffer[256];
        ssize_t const n = ::poll(&port, 1, 0) > 0 && port.revents & POLLIN ? ::read(master_, buffer, sizeof buffer) : 0;
        if (n <= 0) return false;  // EIO: nobody holds the other end
        request.append(buffer, static_cast<std::size_t>(n));
        for (; request.size() >= 8; request.erase(0, 8)) {
            if (with_crc(request.substr(0, 6)) != request.substr(0, 8)) damaged_ = true;
            script_(*this, request.substr(0, 8));
        }
        return true;
    }

    Script script_;
    std::atomic<int> master_{-1};
    std::atomic<bool> ended_{false}, damaged_{false};  // damaged: a request came without its CRC; Catch2 belongs to the test's own thread
    std::thread device_;
};

inline ModbusRequest read_of(std::uint8_t unit, std::uint16_t address, std::uint16_t count, std::chrono::milliseconds timeout = 200ms) {
    ModbusRequest request;
    request.unit = unit;
    request.address = address;
    request.count = count;
    request.response_timeout = timeout;
    return request;
}
inline std::vector<std::uint16_t> values_of(std::uint8_t unit, std::uint16_t address, std::uint16_t count) {
    std::vector<std::uint16_t> out;
    for (int i = 0; i < count; ++i) out.push_back(static_cast<std::uint16_t>(unit * 1000 + address + i));
    return out;
}

}  // namespace marrowlink::modbus_test
