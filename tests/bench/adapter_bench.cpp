// Adapters and their lines, for what `bench.py adapter` measures.
//
// usage: bench_adapter serve LINK...
//        bench_adapter serve-tcp PORT COUNT
//        bench_adapter keep LINK COUNT BYTES
//        bench_adapter wire PLACE LINK
//        bench_adapter trips LINK SECONDS
//
// serve      an idle adapter behind a pseudo-terminal for each LINK: the firmware's own logic in real time, with memory of this
//            program. Until SIGTERM; then prints how often they were asked in a second, all together: {"per_s":…}.
// serve-tcp  COUNT of them as units 1 to COUNT of one Modbus TCP server.
// keep       serve, with one adapter that has heard COUNT lines of so many BYTES already.
// wire       carries what comes from PLACE (a socket or a serial port: an adapter's bus) to the pseudo-terminal LINK and back, each
//            character as late as 115,200 baud and 8E1 make it: 11 bits. Until SIGTERM; then prints how late they were beyond that:
//            {"characters":…,"late_p50_us":…,"late_p99_us":…}.
// trips      reads of 1 and of 125 registers of unit 1, for SECONDS each, with libmodbus alone and with ModbusBus in turn. Prints for each
//            {"registers":…,"plain_per_s":…,"plain_p50_ms":…,"plain_p99_ms":…,"bus_per_s":…,"bus_p50_ms":…,"bus_p99_ms":…}.
#include <fcntl.h>
#include <fmt/format.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>

#include "firmware/adapter.hpp"
#include "io/modbus.hpp"
#include "io/pty.hpp"
#include "io/system.hpp"
#include "samples.hpp"
#include "tests/sim/adapter_parts.hpp"

using namespace marrowlink;
using bench::now;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

namespace {
constexpr std::uint32_t memory_bytes = 512u << 10;                // as a board has
constexpr microseconds bus_awake{5'000}, bus_look{200};           // while a question comes in, silence is measured closely
constexpr nanoseconds character{11 * 1'000'000'000ll / 115'200};  // start, 8 bits, parity, stop
constexpr std::uint16_t window_at = wire::adapter::window::base, window_registers = wire::adapter::window::count;

std::sig_atomic_t volatile ended = 0;

[[noreturn]] void give_up(std::string const& why) {
    fmt::print(stderr, "bench_adapter: {}\n", why);
    std::_Exit(70);
}

// Waits in `poll` only, where a signal ends it.
int wait_ready(std::vector<pollfd>& ports, nanoseconds at_most) {
    sigset_t none;
    sigemptyset(&none);
    timespec const span{static_cast<time_t>(at_most.count() / 1'000'000'000), static_cast<long>(at_most.count() % 1'000'000'000)};
    return ::ppoll(ports.data(), ports.size(), &span, &none);
}

void end_on_sigterm() {
    std::signal(SIGTERM, [](int) { ended = 1; });
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);
    ::prctl(PR_SET_TIMERSLACK, 1'000ul);  // ns; 50 µs are half a character
}

// Master and slave: while nobody else holds the slave, the master would say so without end.
struct Terminal {
    explicit Terminal(std::string const& link) : master(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
        char const* const path = master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ? nullptr : ::ptsname(master);
        if (!path || (slave = ::open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) give_up(std::strerror(errno));
        termios settings{};
        ::tcgetattr(slave, &settings);
        ::cfmakeraw(&settings);
        ::tcsetattr(slave, TCSANOW, &settings);
        if (auto const linked = link_pty(path, link); !linked) give_up(linked.error().message);
    }
    int master, slave = -1;
};

class IdleAdapter {
 public:
    IdleAdapter() : memory_(memory_bytes), instrument_(2'048), bus_(512), adapter_(memory_, instrument_, bus_, {}) {
        adapter_.begin(now_us());
    }

    void hear(wire::Bytes bytes) {
        for (std::uint8_t const byte : bytes) bus_.say(byte, now_us());
        awake_until_ = now() + bus_awake;
        awake_ = true;
    }
    bool awake() const { return awake_; }
    void hear_instrument(std::string_view line) {
        instrument_.say(line, now_us());
        do adapter_.poll(now_us());
        while (instrument_.waiting() > 0);
    }
    // What it says on the bus now.
    std::string poll() {
        awake_ = now() < awake_until_;  // looked at before, so that the last look is one after all that time
        adapter_.poll(now_us());
        return std::exchange(bus_.heard, {});
    }

 private:
    static std::uint64_t now_us() {
        return static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(now().time_since_epoch()).count());
    }

    sim::AdapterMemory memory_;
    sim::AdapterUart instrument_, bus_;
    firmware::Adapter adapter_;
    decltype(now()) awake_until_{};
    bool awake_ = false;
};

wire::Bytes bytes_of(char const* data, std::size_t count) { return {reinterpret_cast<std::uint8_t const*>(data), count}; }

class Rate {
 public:
    void count() {
        last_ = now();
        if (answers_++ == 0) first_ = last_;
    }
    void print() const {
        fmt::print("{{\"per_s\":{:.1f}}}\n", answers_ < 2 ? 0 : static_cast<double>(answers_ - 1) / bench::seconds(last_ - first_));
    }

 private:
    std::uint64_t answers_ = 0;
    decltype(now()) first_{}, last_{};
};

int serve(std::vector<std::string> const& links, int lines = 0, std::size_t bytes = 0) {
    std::vector<std::unique_ptr<IdleAdapter>> adapters;
    std::vector<pollfd> ports;
    for (std::string const& link : links) {
        ports.push_back({Terminal(link).master, POLLIN, 0});
        adapters.push_back(std::make_unique<IdleAdapter>());
    }
    for (int n = 0; n < lines; ++n) adapters[0]->hear_instrument(fmt::format("{:<{}}\n", fmt::format("{:08}", n), bytes - 1));
    char buffer[512];
    Rate rate;
    while (!ended) {
        bool const close_look = std::any_of(adapters.begin(), adapters.end(), [](auto const& adapter) { return adapter->awake(); });
        bool const some = wait_ready(ports, close_look ? bus_look : microseconds(1'000'000)) > 0;
        for (std::size_t i = 0; i < ports.size(); ++i) {
            ssize_t const n = some && ports[i].revents & POLLIN ? ::read(ports[i].fd, buffer, sizeof buffer) : 0;
            if (n > 0) adapters[i]->hear(bytes_of(buffer, static_cast<std::size_t>(n)));
            if (!adapters[i]->awake()) continue;
            std::string const answer = adapters[i]->poll();
            if (answer.empty()) continue;
            (void)!::write(ports[i].fd, answer.data(), answer.size());
            rate.count();
        }
    }
    rate.print();
    return 0;
}

// Transaction, protocol, length, unit, function…; every adapter is unit 1 of its own.
int serve_tcp(std::uint16_t port, std::size_t count) {
    std::vector<std::unique_ptr<IdleAdapter>> adapters;
    for (std::size_t i = 0; i < count; ++i) adapters.push_back(std::make_unique<IdleAdapter>());
    int const door = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const on = 1;
    ::setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(port);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(door, reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 || ::listen(door, 4) != 0) give_up(std::strerror(errno));
    std::vector<pollfd> ports{{door, POLLIN, 0}};
    Rate rate;
    std::string heard, head;  // not yet a whole question; of the question that is being answered
    while (!ended) {
        std::size_t const asked = head.empty() ? 0 : static_cast<std::uint8_t>(head[6]) - 1u;
        wait_ready(ports, head.empty() ? microseconds(1'000'000) : bus_look);
        if (ports[0].revents & POLLIN) {
            if (ports.size() > 1) ::close(ports[1].fd);
            ports = {ports[0], {::accept4(door, nullptr, nullptr, SOCK_CLOEXEC), POLLIN, 0}};
            heard.clear();
            head.clear();
            continue;
        }
        if (ports.size() > 1 && ports[1].revents) {
            char buffer[512];
            ssize_t const n = ::read(ports[1].fd, buffer, sizeof buffer);
            if (n <= 0) {
                ::close(ports[1].fd);
                ports.pop_back();
                continue;
            }
            heard.append(buffer, static_cast<std::size_t>(n));
        }
        std::size_t const size =
            heard.size() < 7 ? 0 : 6u + static_cast<std::uint8_t>(heard[4]) * 256u + static_cast<std::uint8_t>(heard[5]);
        if (head.empty() && size > 7 && heard.size() >= size) {
            head = heard.substr(0, 7);
            std::size_t const unit = static_cast<std::uint8_t>(head[6]);
            std::vector<std::uint8_t> frame(size - 6 + 2, 1);
            std::copy(heard.begin() + 7, heard.begin() + static_cast<std::ptrdiff_t>(size), frame.begin() + 1);
            wire::modbus::seal(frame, frame.size() - 2);
            heard.erase(0, size);
            if (unit < 1 || unit > count)
                head.clear();
            else
                adapters[unit - 1]->hear(frame);
            continue;
        }
        if (head.empty()) continue;
        std::string answer = adapters[asked]->poll();
        if (answer.empty()) continue;
        answer.resize(answer.size() - 2);
        answer[0] = head[6];
        head[4] = static_cast<char>(answer.size() >> 8);
        head[5] = static_cast<char>(answer.size() & 0xFF);
        answer.insert(0, head, 0, 6);
        head.clear();
        (void)!::send(ports[1].fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        rate.count();
    }
    rate.print();
    return 0;
}

// One direction of the wire.
class Direction {
 public:
    Direction(int from, int to) : from_(from), to_(to) {}

    void take() {
        char buffer[4'096];
        ssize_t const n = ::read(from_, buffer, sizeof buffer);
        if (n == 0) give_up("the adapter's end of the wire was closed");
        for (ssize_t i = 0; i < n; ++i) {
            last_ = std::max(last_, now()) + character;
            due_.emplace_back(last_, buffer[i]);
        }
    }
    // What is due goes out; returns how long the next character takes.
    nanoseconds give() {
        std::string out;
        auto const at = now();
        while (!due_.empty() && due_.front().first <= at) {
            late_us_.push_back(std::chrono::duration<double, std::micro>(at - due_.front().first).count());
            out += due_.front().second;
            due_.pop_front();
        }
        if (!out.empty()) (void)!::write(to_, out.data(), out.size());
        return due_.empty() ? nanoseconds(1'000'000'000) : nanoseconds(due_.front().first - at);
    }
    std::vector<double> const& late_us() const { return late_us_; }

 private:
    int from_, to_;
    decltype(now()) last_{};
    std::deque<std::pair<decltype(now()), char>> due_;
    std::vector<double> late_us_;
};

int connected(std::string const& path) {
    int const port = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (port >= 0) return port;
    int const bus = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un there{};
    there.sun_family = AF_UNIX;
    if (path.size() >= sizeof there.sun_path) give_up(path + " is too long a name");
    path.copy(there.sun_path, path.size());
    if (::connect(bus, reinterpret_cast<sockaddr*>(&there), sizeof there) != 0) give_up(path + ": " + std::strerror(errno));
    return bus;
}

int be_wire(std::string const& path, std::string const& link) {
    int const bus = connected(path);
    Terminal const terminal(link);
    Direction answers(bus, terminal.master), questions(terminal.master, bus);
    std::vector<pollfd> ports{{bus, POLLIN, 0}, {terminal.master, POLLIN, 0}};
    while (!ended) {
        nanoseconds const next = std::min(answers.give(), questions.give());
        if (wait_ready(ports, std::max(next, nanoseconds(0))) <= 0) continue;
        if (ports[0].revents) answers.take();
        if (ports[1].revents) questions.take();
    }
    std::vector<double> late = answers.late_us();
    late.insert(late.end(), questions.late_us().begin(), questions.late_us().end());
    fmt::print("{{\"characters\":{},\"late_p50_us\":{:.1f},\"late_p99_us\":{:.1f}}}\n", late.size(), bench::percentile(late, 0.5),
               bench::percentile(late, 0.99));
    return 0;
}

struct Measured {
    double per_s = 0;
    std::vector<double> took_ms;
    void add(decltype(now()) began) { took_ms.push_back(bench::milliseconds(now() - began)); }
    std::string text(char const* who) const {
        return fmt::format("\"{0}_per_s\":{1:.1f},\"{0}_p50_ms\":{2:.3f},\"{0}_p99_ms\":{3:.3f}", who, per_s,
                           bench::percentile(took_ms, 0.5), bench::percentile(took_ms, 0.99));
    }
};

Measured plain(std::string const& port, std::uint16_t address, std::uint16_t count, double seconds) {
    std::unique_ptr<modbus_t, void (*)(modbus_t*)> const line(modbus_new_rtu(port.c_str(), 115'200, 'N', 8, 1), [](modbus_t* context) {
        modbus_close(context);
        modbus_free(context);
    });
    modbus_set_slave(line.get(), 1);
    if (modbus_connect(line.get()) != 0) give_up(port + ": " + modbus_strerror(errno));
    std::uint16_t registers[window_registers];
    Measured out;
    auto const began = now();
    while (bench::seconds(now() - began) < seconds) {
        auto const sent = now();
        if (modbus_read_registers(line.get(), address, count, registers) != count)
            give_up(std::string("libmodbus: ") + modbus_strerror(errno));
        out.add(sent);
    }
    out.per_s = static_cast<double>(out.took_ms.size()) / bench::seconds(now() - began);
    return out;
}

Task<void> ask(ModbusBus& bus, ModbusRequest request, double seconds, Measured& out) {
    auto const began = now();
    while (bench::seconds(now() - began) < seconds) {
        auto const sent = now();
        auto const answer = co_await bus.ask(request);
        if (!answer || !answer->done()) give_up(answer ? "an exception" : answer.error().message);
        out.add(sent);
    }
    out.per_s = static_cast<double>(out.took_ms.size()) / bench::seconds(now() - began);
}

Measured ours(std::string const& port, std::uint16_t address, std::uint16_t count, double seconds) {
    boost::asio::io_context loop{1};
    SystemClock clock;
    ModbusBus bus(loop.get_executor(), clock, ModbusSerial{port, 115'200, Parity::none, 1});
    ModbusRequest request;
    request.unit = 1;
    request.address = address;
    request.count = count;
    request.response_timeout = std::chrono::milliseconds(500);
    Measured out;
    boost::asio::co_spawn(loop, ask(bus, request, seconds, out), boost::asio::detached);
    loop.run();
    return out;
}

int trips(std::string const& port, double seconds) {
    for (auto const& [address, count] : {std::pair{std::uint16_t{0}, std::uint16_t{1}}, std::pair{window_at, window_registers}}) {
        Measured const alone = plain(port, address, count, seconds), bus = ours(port, address, count, seconds);
        fmt::print("{{\"registers\":{},{},{}}}\n", count, alone.text("plain"), bus.text("bus"));
    }
    return 0;
}
}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> const words(argv + 1, argv + argc);
    std::string const verb = words.empty() ? "" : words[0];
    if (verb == "trips" && words.size() == 3) return trips(words[1], std::stod(words[2]));
    end_on_sigterm();
    if (verb == "serve" && words.size() > 1) return serve({words.begin() + 1, words.end()});
    if (verb == "serve-tcp" && words.size() == 3) return serve_tcp(static_cast<std::uint16_t>(std::stoi(words[1])), std::stoul(words[2]));
    if (verb == "keep" && words.size() == 4) return serve({words[1]}, std::stoi(words[2]), std::stoul(words[3]));
    if (verb == "wire" && words.size() == 3) return be_wire(words[1], words[2]);
    fmt::print(stderr, "usage: see the head of tests/bench/adapter_bench.cpp\n");
    return 64;
}
