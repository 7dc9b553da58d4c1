// Ports that vanish, cannot be opened or belong to somebody else, and Modbus over TCP.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/io/modbus_line.hpp"

using namespace marrowlink;
using namespace marrowlink::modbus_test;

namespace {
// A Modbus TCP device that answers each request with the ADUs of a script; accepts again after a close.
class TcpDevice {
 public:
    using Script = std::function<std::string(std::string const& request)>;
    explicit TcpDevice(Script script) : script_(std::move(script)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_, 4) == 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~TcpDevice() {
        ended_ = true;
        thread_.join();
        ::close(listener_);
    }
    std::uint16_t port = 0;
    std::atomic<int> connections{0};

 private:
    static bool readable(int fd) {
        pollfd one{fd, POLLIN, 0};
        return ::poll(&one, 1, 5) > 0;
    }
    void serve() {
        while (!ended_) {
            if (!readable(listener_)) continue;
            int const peer = ::accept(listener_, nullptr, nullptr);
            ++connections;
            char buffer[260];
            while (!ended_) {
                if (!readable(peer)) continue;
                ssize_t const n = ::read(peer, buffer, sizeof buffer);
                if (n <= 0) break;
                std::string const reply = script_(std::string(buffer, static_cast<std::size_t>(n)));
                if (reply == "hang up") break;
                (void)!::write(peer, reply.data(), reply.size());
            }
            ::close(peer);
        }
    }
    Script script_;
    int listener_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

std::string tcp_answer(std::string const& request, int value) {
    return request.substr(0, 4) + bytes({0, 5}) + request.substr(6, 2) + bytes({2, value >> 8, value & 0xFF});
}

struct Desk {
    boost::asio::io_context loop{1};
    SystemClock clock;
    Result<ModbusAnswer> ask(ModbusBus& bus, std::chrono::milliseconds timeout = 100ms) {
        std::optional<Result<ModbusAnswer>> answer;
        boost::asio::co_spawn(loop, bus.ask(read_of(1, 0, 1, timeout)), [&](std::exception_ptr, auto got) { answer = std::move(got); });
        loop.restart();
        while (!answer && loop.run_one_for(20s) > 0) {
        }
        REQUIRE(answer);
        return *std::move(answer);
    }
};
}  // namespace

TEST_CASE("an adapter that is pulled and put back answers again within the retry period (field 35)") {
    Line line{[](Line& at, std::string const& request) { at.say(registers_answer(request)); }};
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    REQUIRE(line.run(bus.ask(read_of(1, 0, 1))));
    line.replug();
    auto const first = line.run(bus.ask(read_of(1, 0, 1)));
    REQUIRE_FALSE(first);
    CHECK(first.error().fault == Fault::unavailable);
    CHECK(first.error().message.find(line.link.string()) == 0);
    CHECK(first.error().message.find("ls -l /dev/serial/by-id") != std::string::npos);
    auto const began = line.clock.now();
    auto again = line.run(bus.ask(read_of(1, 5, 1)));
    while (!again && line.clock.now() - began < 5s) {
        std::this_thread::sleep_for(20ms);
        again = line.run(bus.ask(read_of(1, 5, 1)));
    }
    REQUIRE(again);
    CHECK(again->values == values_of(1, 5, 1));
    CHECK(line.clock.now() - began < 2 * modbus_port_backoff_first);
}

TEST_CASE("a port that is not there is tried again with growing pauses and works when it comes (field 38, 39)") {
    Desk desk;
    std::filesystem::path const link = std::filesystem::temp_directory_path() / ("marrowlink-absent-" + std::to_string(::getpid()));
    std::filesystem::remove(link);
    ModbusBus bus{desk.loop.get_executor(), desk.clock, ModbusSerial{link.string()}};
    for (int n = 0; n < 20; ++n) {
        auto const answer = desk.ask(bus);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().fault == Fault::unavailable);
        CHECK(answer.error().message ==
              link.string() + " is not there: the device is unplugged or has another name. What is there: ls -l /dev/serial/by-id");
    }
    Line line{[](Line& at, std::string const& request) { at.say(registers_answer(request)); }};
    std::filesystem::create_symlink(line.link, link);
    auto const limit = desk.clock.now() + 5s;
    auto answer = desk.ask(bus);
    while (!answer && desk.clock.now() < limit) answer = desk.ask(bus);
    CHECK(answer);
    std::filesystem::remove(link);
}

TEST_CASE("a port that another process holds is named with its holder and the command that frees it (field 40)") {
    Line line{[](Line&, std::string const&) {}};
    int ready[2], go[2];
    REQUIRE(::pipe(ready) == 0);
    REQUIRE(::pipe(go) == 0);
    pid_t const other = ::fork();
    if (other == 0) {
        char c = 1;
        int const fd = ::open(line.link.c_str(), O_RDWR | O_NOCTTY);
        ::flock(fd, LOCK_EX);
        (void)!::write(ready[1], &c, 1);
        (void)!::read(go[0], &c, 1);
        ::_exit(0);
    }
    char c = 0;
    REQUIRE(::read(ready[0], &c, 1) == 1);
    ModbusBus bus{line.loop.get_executor(), line.clock, line.place()};
    auto const held = line.run(bus.ask(read_of(1, 0, 1)));
    (void)!::write(go[1], &c, 1);
    ::waitpid(other, nullptr, 0);
    for (int const fd : {ready[0], ready[1], go[0], go[1]}) ::close(fd);
    REQUIRE_FALSE(held);
    CHECK(held.error().fault == Fault::unavailable);
    CHECK(held.error().message.find(line.link.string() + " is held by ") == 0);
    CHECK(held.error().message.find("sudo kill " + std::to_string(other)) != std::string::npos);
}

TEST_CASE("two buses of one gateway cannot share a port, and a wrong file is no port (field 40)") {
    Line line{[](Line& at, std::string const& request) { at.say(registers_answer(request)); }};
    ModbusBus first{line.loop.get_executor(), line.clock, line.place()};
    REQUIRE(line.run(first.ask(read_of(1, 0, 1))));
    ModbusBus second{line.loop.get_executor(), line.clock, line.place()};
    auto const held = line.run(second.ask(read_of(1, 0, 1)));
    REQUIRE_FALSE(held);
    CHECK(held.error().message.find("already in use by another instrument of this gateway") != std::string::npos);
    Desk desk;
    ModbusBus none{desk.loop.get_executor(), desk.clock, ModbusSerial{"/dev/null"}};
    auto const wrong = desk.ask(none);
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().message == "/dev/null is not a serial port.");
}

TEST_CASE("over TCP an answer with another transaction number is dropped (field 43)") {
    std::string before;
    TcpDevice device{[&](std::string const& request) {
        std::string const stale = before.empty() ? "" : tcp_answer(before, 666);
        before = request;
        return stale + tcp_answer(request, 42);
    }};
    Desk desk;
    ModbusBus bus{desk.loop.get_executor(), desk.clock, ModbusTcp{"127.0.0.1", device.port}};
    for (int n = 0; n < 20; ++n) {
        auto const answer = desk.ask(bus);
        REQUIRE(answer);
        REQUIRE(answer->values == std::vector<std::uint16_t>{42});
    }
    CHECK(device.connections == 1);
}

TEST_CASE("a TCP device that hangs up is connected to again; one that stays mute is, after three questions (field 35)") {
    int asked = 0;
    TcpDevice device{[&](std::string const& request) -> std::string {
        ++asked;
        if (asked == 2) return "hang up";
        if (asked >= 4 && asked <= 6) return "";
        return tcp_answer(request, asked);
    }};
    Desk desk;
    ModbusBus bus{desk.loop.get_executor(), desk.clock, ModbusTcp{"127.0.0.1", device.port}};
    REQUIRE(desk.ask(bus));
    auto const cut = desk.ask(bus);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().fault == Fault::unavailable);
    CHECK(cut.error().message == "The connection to " + bus.name() + " ended: it was closed by the other side.");
    auto answer = desk.ask(bus);
    for (auto const limit = desk.clock.now() + 5s; !answer && desk.clock.now() < limit;) answer = desk.ask(bus);
    REQUIRE(answer);
    CHECK(device.connections == 2);
    for (int n = 0; n < 3; ++n) {
        auto const mute = desk.ask(bus, 30ms);
        REQUIRE_FALSE(mute);
        CHECK(mute.error().fault == Fault::timed_out);
    }
    REQUIRE(desk.ask(bus));
    CHECK(device.connections == 3);
}

TEST_CASE("a TCP device that is not there is named with the command that shows it") {
    std::uint16_t port = 0;
    {
        port = TcpDevice{[](std::string const&) { return std::string(); }}.port;
    }
    Desk desk;
    ModbusBus bus{desk.loop.get_executor(), desk.clock, ModbusTcp{"127.0.0.1", port}};
    auto const answer = desk.ask(bus);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().fault == Fault::unavailable);
    CHECK(answer.error().message ==
          "127.0.0.1:" + std::to_string(port) +
              " did not accept the connection: Connection refused. Is the device switched on and in this network? "
              "Try: nc -zv 127.0.0.1 " +
              std::to_string(port));
}
