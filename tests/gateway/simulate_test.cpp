// The simulated reader as the gateway meets it: another process behind a pseudo-terminal, opened as a serial port by the real transport.
#include "gateway/simulate.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <fstream>
#include <optional>
#include <thread>

#include "core/json.hpp"
#include "core/log.hpp"
#include "core/sha256.hpp"
#include "drivers/spectramax/driver.hpp"
#include "io/serial.hpp"
#include "io/system.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;

namespace {
struct Simulator {
    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("marrowlink-simulate-" + std::to_string(::getpid()));
    SimulateOptions options;
    pid_t pid = -1;

    Simulator() {
        log::set_sink([](log::Level, std::string_view) {});
        std::filesystem::create_directory(folder);
        options.link = folder / "port";
        options.log = folder / "log.jsonl";
        options.spectramax.read_duration = 100ms;
    }
    ~Simulator() {
        if (pid > 0) end();
        std::filesystem::remove_all(folder);
    }
    void begin() {
        pid = ::fork();
        if (pid != 0) return;
        std::freopen("/dev/null", "w", stdout);
        ::_exit(run_simulate(options) ? 0 : 1);
    }
    int end() {
        ::kill(pid, SIGTERM);
        int status = 0;
        ::waitpid(std::exchange(pid, -1), &status, 0);
        return status;
    }
    std::vector<json::object> log() const {
        std::vector<json::object> lines;
        std::ifstream file{options.log};
        for (std::string line; std::getline(file, line);) lines.push_back(json::parse(line, "log")->as_object());
        return lines;
    }
};

struct Connection {
    boost::asio::io_context loop{1};
    SystemClock clock;
    std::unique_ptr<Transport> port;
    std::unique_ptr<spectramax::SpectraMax> driver;

    explicit Connection(Simulator const& simulator) {
        SerialPortFactory factory{loop.get_executor(), SerialSettings{simulator.options.link.string()}};
        for (int n = 0; n < 500 && !port; ++n) {
            auto opened = run(factory.open());
            if (opened)
                port = std::move(*opened);
            else
                std::this_thread::sleep_for(10ms);  // another process starts, or puts the cable back
        }
        REQUIRE(port);
        spectramax::Options options;
        options.instrument = "reader-1";
        options.poll_period = 20ms;
        options.command_timeout = 1s;
        driver = std::make_unique<spectramax::SpectraMax>(*port, clock, options);
    }
    template <class T>
    T run(Task<T> task) {
        std::optional<T> value;
        boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr e, T v) {
            if (!e) value.emplace(std::move(v));
        });
        drive(value);
        return std::move(*value);
    }
    template <class T>
    void drive(std::optional<T> const& value) {
        loop.restart();
        while (!value && loop.run_one_for(20s) > 0) {
        }
        REQUIRE(value);
    }
    Result<Batch> measure(std::string run_id) {
        std::optional<Result<Batch>> batch;
        auto next = driver->next();
        boost::asio::co_spawn(loop, std::move(next), [&](std::exception_ptr, Result<Batch> value) { batch = std::move(value); });
        StartRequest const request{std::move(run_id), "plate"};
        auto const started = run(driver->start(request));
        if (!started) return fail(started.error());
        drive(batch);
        return *batch;
    }
};

std::string sha256_of(Batch const& batch) {
    std::string bytes;
    for (Draft const& draft : batch.records)
        if (draft.type == type::run_file) bytes += draft.data;
    return hex(sha256(bytes));
}
}  // namespace

TEST_CASE("a simulated reader is measured over its terminal, and its own log agrees with what was read") {
    Simulator simulator;
    simulator.begin();
    std::string sha;
    {
        Connection first{simulator};
        auto const batch = first.measure("run-1");
        INFO((batch ? std::string{} : batch.error().message));
        REQUIRE(batch);
        sha = sha256_of(*batch);
        // The gateway ends here, before the reader was told to forget.
    }
    CHECK(simulator.log().size() == 2);
    {
        Connection second{simulator};
        auto const again = second.run(second.driver->next());
        REQUIRE(again);
        CHECK(sha256_of(*again) == sha);
        REQUIRE(second.run(second.driver->acknowledge(again->receipt)));
    }
    CHECK(simulator.end() == 0);
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(simulator.options.link)));
    auto const log = simulator.log();
    REQUIRE(log.size() == 3);
    CHECK(json::string_of(log[0], "event") == "started");
    CHECK(json::string_of(log[1], "event") == "measured");
    CHECK(json::string_of(log[1], "sha256") == sha);
    CHECK(json::string_of(log[2], "event") == "cleared");
    CHECK(json::string_of(log[2], "sha256") == sha);
    CHECK(json::integer_of(log[2], "plate_no") == 1);
}

TEST_CASE("a cable pulled in the middle of a plate is put back and the plate is still there (field 35)") {
    Simulator simulator;
    simulator.options.spectramax.unplug_after_bytes = 1'650;  // more than two transfers, less than them and all that starts a read
    simulator.options.unplugged_for = 50ms;
    simulator.begin();
    int pulled = 0;
    std::string run = "run-1";
    for (int n = 0; n < 10; ++n) {
        Connection connection{simulator};
        bool const measured = simulator.log().size() >= 2;
        auto const batch = measured ? connection.run(connection.driver->next()) : connection.measure(run);
        if (!batch) {
            CHECK(batch.error().fault == Fault::closed);
            ++pulled;
            continue;
        }
        auto const log = simulator.log();
        CHECK(sha256_of(*batch) == json::string_of(log[1], "sha256"));
        break;
    }
    CHECK(pulled > 0);
    CHECK(pulled < 10);
    int measured = 0;
    for (auto const& line : simulator.log()) measured += json::string_of(line, "event") == "measured";
    CHECK(measured == 1);
}
