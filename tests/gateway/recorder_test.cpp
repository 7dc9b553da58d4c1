// `capture` as a site runs it: another process between an instrument on a pseudo-terminal and the program that opens its link.
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "drivers/capture.hpp"
#include "gateway/capture.hpp"
#include "io/pty.hpp"
#include "io/system.hpp"
#include "tests/io/real_loop.hpp"
#include "tests/sim/temporary_folder.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {
struct Site {
    sim::TemporaryFolder folder;
    boost::asio::io_context loop{1};
    SystemClock clock;
    std::unique_ptr<Transport> instrument;
    CaptureOptions options;
    pid_t pid = -1;

    Site() {
        auto pty = open_pty(loop.get_executor(), clock);
        REQUIRE(pty);
        instrument = std::move(pty->line);
        options.serial.path = pty->path;
        options.out = folder / "dialogue.capture";
    }
    ~Site() {
        if (pid > 0) end();
    }
    void begin() {
        pid = ::fork();
        if (pid != 0) return;
        std::freopen("/dev/null", "w", stdout);
        ::_exit(capture_line_of(options) ? 0 : 1);
    }
    int end() {
        ::kill(pid, SIGTERM);
        int status = 0;
        ::waitpid(std::exchange(pid, -1), &status, 0);
        return status;
    }
    template <class T>
    T run(Task<T> task) {
        return run_on(loop, std::move(task), 10s);
    }
    void say(Transport& line, std::string_view text) { REQUIRE(run(line.write(std::as_bytes(std::span{text.data(), text.size()})))); }
    std::string hear(Transport& line, std::size_t bytes) {
        std::string heard;
        std::array<std::byte, 256> buffer;
        while (heard.size() < bytes) {
            auto const got = run(line.read_some(buffer, clock.now() + 10s));
            REQUIRE(got);
            heard.append(reinterpret_cast<char const*>(buffer.data()), *got);
        }
        return heard;
    }
    std::string written() const {
        std::ifstream in{options.out, std::ios::binary};
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }
    void wait_for(std::string_view text) const {
        for (int n = 0; n < 1'000 && written().find(text) == std::string::npos; ++n) std::this_thread::sleep_for(10ms);
        REQUIRE(written().find(text) != std::string::npos);
    }
};
}  // namespace

TEST_CASE("what an instrument says is in the capture, which only its owner reads, and nothing is said to it") {
    Site site;
    site.begin();
    site.wait_for("# begun ");
    std::string const all = std::string("R 1 0.5\n\0\xFF\r", 11);
    site.say(*site.instrument, all);
    site.wait_for("0a00ff0d");
    CHECK(site.end() == 0);
    auto const capture = parse_capture(site.written());
    REQUIRE(capture);
    CHECK(capture->complete);
    std::string from;
    for (auto const& chunk : capture->chunks) {
        CHECK(chunk.from_instrument);
        from += chunk.bytes;
    }
    CHECK(from == all);
    CHECK((std::filesystem::status(site.options.out).permissions() & std::filesystem::perms::others_read) == std::filesystem::perms::none);
    // What was recorded is not written over.
    site.begin();
    int status = 0;
    ::waitpid(std::exchange(site.pid, -1), &status, 0);
    CHECK(status != 0);
    CHECK(parse_capture(site.written())->chunks == capture->chunks);
}

TEST_CASE("between an instrument and a program both sides are handed on unchanged, and recorded") {
    Site site;
    site.options.link = site.folder / "port";
    site.begin();
    site.wait_for("# begun ");
    SerialPortFactory port{site.loop.get_executor(), SerialSettings{site.options.link.string()}};
    auto program = site.run(port.open());
    REQUIRE(program);
    site.say(**program, "!STATUS\r");
    CHECK(site.hear(*site.instrument, 8) == "!STATUS\r");
    site.say(*site.instrument, "OK\tCLOSED>");
    CHECK(site.hear(**program, 10) == "OK\tCLOSED>");
    CHECK(site.end() == 0);
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(site.options.link)));
    auto const capture = parse_capture(site.written());
    REQUIRE(capture);
    CHECK(capture->complete);
    std::string from, to;
    for (auto const& chunk : capture->chunks) (chunk.from_instrument ? from : to) += chunk.bytes;
    CHECK(from == "OK\tCLOSED>");
    CHECK(to == "!STATUS\r");
    CHECK_FALSE(capture->chunks.front().from_instrument);
}
