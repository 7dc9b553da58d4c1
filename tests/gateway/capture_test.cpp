// Captures: their text, and for each driver on a wire a dialogue with its simulator, kept in tests/data/capture and replayed through the
// driver. With MARROWLINK_WRITE_CAPTURES set the dialogues are written anew; the kept ones are what simulator and driver say today.
#include "drivers/capture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "drivers/astm/simulator.hpp"
#include "drivers/biorad/simulator.hpp"
#include "drivers/biotek/simulator.hpp"
#include "drivers/hl7/simulator.hpp"
#include "drivers/line/simulator.hpp"
#include "drivers/spectramax/simulator.hpp"
#include "gateway/plan.hpp"
#include "gateway/replay.hpp"
#include "tests/sim/memory_transport.hpp"
#include "tests/sim/temporary_folder.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {
fs::path const kept = fs::path{MARROWLINK_SOURCE_DIR} / "tests/data/capture";
constexpr std::string_view begun = "2026-11-25T02:30:00.000Z";

std::string slurp(fs::path const& file) {
    std::ifstream in{file, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string text_of(Capture const& capture) {
    std::string text = capture_head(capture.port, capture.begun);
    for (auto const& chunk : capture.chunks) text += capture_line(chunk);
    return capture.complete ? text + capture_end(capture.chunks) : text;
}

// Records what goes through it.
class Recorded final : public Transport {
 public:
    Recorded(Transport& line, Clock& clock, Capture& capture) : line_(line), clock_(clock), capture_(capture), begun_(clock.now()) {}
    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override {
        auto const got = co_await line_.read_some(into, deadline);
        if (got) note(true, {reinterpret_cast<char const*>(into.data()), *got});
        co_return got;
    }
    Task<Result<void>> write(std::span<std::byte const> bytes) override {
        note(false, {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
        co_return co_await line_.write(bytes);
    }

 private:
    void note(bool from_instrument, std::string bytes) {
        capture_.chunks.push_back(
            {std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - begun_), from_instrument, std::move(bytes)});
    }
    Transport& line_;
    Clock& clock_;
    Capture& capture_;
    Clock::Instant begun_;
};

class NoPort final : public TransportFactory {
 public:
    Task<Result<std::unique_ptr<Transport>>> open() override { co_return fail(Fault::broken, "not opened"); }
    std::string name() const override { return "memory"; }
};

// A driver as it is configured, the simulator at the other end, until so many batches were acknowledged.
Capture dialogue(InstrumentDriver driver_config, std::size_t batches, std::unique_ptr<SimulatedInstrument> (*instrument)(Clock::Instant),
                 std::string plate = "") {
    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    auto cable = sim::MemoryTransport::connect(clock);
    Capture capture;
    capture.port = "simulator";
    capture.begun = begun;
    InstrumentConfig config;
    config.id = "replay";
    config.driver = std::move(driver_config);
    PlanWorld world{loop.get_executor(), clock, nullptr, nullptr, nullptr};
    world.transport = [](InstrumentLine const&) { return std::make_unique<NoPort>(); };
    Recorded line{*cable.near, clock, capture};
    InstrumentPlan const plan = plan_for(config, world);
    InstrumentPlan::Connection connection;
    connection.transport = &line;
    auto const driver = plan.driver(std::move(connection));
    auto const played = instrument ? instrument(clock.now()) : nullptr;
    spectramax::SimulatorOptions reader_options;
    reader_options.read_duration = 3s;
    reader_options.bytes_per_second = 960;
    spectramax::SpectraMaxSimulator reader{reader_options, clock.now()};
    if (played) {
        boost::asio::co_spawn(loop, play(*played, *cable.far, clock, {}), boost::asio::detached);
    } else {
        REQUIRE(reader.press_read(clock.now()));
        boost::asio::co_spawn(loop, spectramax::play(reader, *cable.far, clock, {}), boost::asio::detached);
    }
    REQUIRE(clock.finish(driver->identify()));
    if (!plate.empty()) boost::asio::co_spawn(loop, driver->start(StartRequest{"replay-run", plate}), boost::asio::detached);
    for (std::size_t n = 0; n < batches; ++n) {
        auto const batch = clock.finish(driver->next());
        REQUIRE(batch);
        REQUIRE(clock.finish(driver->acknowledge(batch->receipt)));
    }
    cable.near->cut();
    clock.settle();
    capture.complete = true;
    return capture;
}

template <class Simulator>
std::unique_ptr<SimulatedInstrument> slow(Clock::Instant now) {
    SimulatorOptions options;
    options.period = 20s;
    options.faults.bytes_per_second = 960;
    return std::make_unique<Simulator>(options, now);
}

struct Printed {
    std::string out, err;
    Result<void> done;
};
Printed replay(fs::path const& file, ReplayOptions const& options) {
    std::ostringstream out, err;
    auto done = replay_capture(file, options, out, err);
    return {out.str(), err.str(), std::move(done)};
}
ReplayOptions with(std::string driver) {
    ReplayOptions options;
    options.driver = std::move(driver);
    return options;
}

// The readings' lines without the file's name.
std::string lines_of(std::string const& printed, fs::path const& file) {
    std::string out;
    std::istringstream lines{printed};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(file.string() + ",")) line.erase(0, file.string().size() + 1);
        out += line + '\n';
    }
    return out;
}

void compare(std::string const& driver, Capture const& capture, ReplayOptions options) {
    INFO(driver);
    options.driver = driver;
    fs::path const file = kept / (driver + ".capture");
    fs::path const table = kept / (driver + ".expected.csv");
    bool const writes = std::getenv("MARROWLINK_WRITE_CAPTURES") != nullptr;
    if (writes) std::ofstream{file, std::ios::binary} << text_of(capture);
    CHECK(slurp(file) == text_of(capture));
    auto const parsed = parse_capture(slurp(file));
    REQUIRE(parsed);
    CHECK(parsed->complete);
    Printed const printed = replay(file, options);
    INFO(printed.err);
    if (!printed.done) FAIL(printed.done.error().message);
    std::string const lines = lines_of(printed.out, file);
    if (writes) std::ofstream{table, std::ios::binary} << lines;
    CHECK(lines == slurp(table));
    CHECK(std::count(lines.begin(), lines.end(), '\n') > 1);
    // Without its pauses it says the same.
    options.pace = CaptureTransport::Pace::at_once;
    Printed const quick = replay(file, options);
    if (!quick.done) FAIL(quick.done.error().message);
    CHECK(lines_of(quick.out, file) == lines);
    std::cout << "capture: " << driver << ": " << std::count(lines.begin(), lines.end(), '\n') - 1 << " lines compared\n";
}

Capture made_up() {
    Capture capture;
    capture.port = "COM 9600 8N1";
    capture.begun = begun;
    capture.chunks = {{0ms, true, std::string("R 1 0.5\n\0\xFF", 10)}, {7ms, false, "\x06"}, {1'234ms, true, "R 2 0.75\n"}};
    capture.complete = true;
    return capture;
}
}  // namespace

TEST_CASE("each driver on a wire reads from its capture what it read from its instrument") {
    compare("astm", dialogue(AstmConfig{}, 2, slow<astm::AstmSimulator>), {});
    compare("hl7", dialogue(Hl7Config{}, 2, slow<hl7::Hl7Simulator>), {});
    compare("biotek", dialogue(BiotekConfig{}, 2, slow<biotek::BiotekSimulator>), {});
    compare("line", dialogue(LineConfig{}, 3, slow<LineSimulator>), {});
    compare("spectramax", dialogue(SpectramaxConfig{}, 1, nullptr), {});
    ReplayOptions started;
    started.read = "0 1";
    started.plate = "P1";
    BioradConfig reader;
    reader.read = started.read;
    auto const silent = [](Clock::Instant now) -> std::unique_ptr<SimulatedInstrument> {
        SimulatorOptions options;
        options.period = 0ms;
        options.faults.bytes_per_second = 960;
        return std::make_unique<biorad::BioradSimulator>(options, now);
    };
    compare("biorad", dialogue(reader, 1, silent, started.plate), started);
}

TEST_CASE("a capture is read as it was written, with either line end") {
    auto const text = text_of(made_up());
    auto const read = parse_capture(text);
    REQUIRE(read);
    CHECK(read->chunks == made_up().chunks);
    CHECK(read->port == "COM 9600 8N1");
    CHECK(read->begun == begun);
    CHECK(read->complete);
    std::string crlf;
    for (char const c : text) (c == '\n' ? crlf += '\r' : crlf) += c;
    auto const other = parse_capture(crlf);
    REQUIRE(other);
    CHECK(other->chunks == made_up().chunks);
    CHECK(other->complete);
    CHECK_THAT(capture_head("a\nb", begun), Contains("# port a?b\n"));
}

TEST_CASE("a capture cut at any byte is not complete") {
    auto const text = text_of(made_up());
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
        auto const read = parse_capture(std::string_view{text}.substr(0, cut));
        INFO(cut);
        CHECK((!read || !read->complete));
    }
}

TEST_CASE("a changed character of a capture's chunks is another byte, another time, or refused") {
    auto const text = text_of(made_up());
    auto const first = text.find("\n0 < ") + 1;
    for (std::size_t at = first; at < text.find("# end"); ++at)
        for (char const c : {'0', '1', 'e', 'G', '<', '>', ' ', '\n'}) {
            if (text[at] == c) continue;
            std::string changed = text;
            changed[at] = c;
            auto const read = parse_capture(changed);
            INFO(at << ' ' << c);
            CHECK((!read || read->chunks != made_up().chunks));
        }
}

TEST_CASE("what is no capture is refused by line and by what was expected") {
    auto const refusal = [](std::string const& text) {
        auto const read = parse_capture(text);
        REQUIRE_FALSE(read);
        CHECK(read.error().fault == Fault::refused);
        return read.error().message;
    };
    std::string const head = capture_head("p", begun);
    CHECK_THAT(refusal("0 < 05\n"), StartsWith("line 1 of the capture is \"0 < 05\"; expected \"# marrowlink capture 1\""));
    CHECK_THAT(refusal(head + "0 < 0G\n"), Contains("line 4") && Contains("hexadecimal"));
    CHECK_THAT(refusal(head + "5 < 05\n4 > 06\n"), Contains("line 5") && Contains("5 ms or later"));
    CHECK_THAT(refusal(head + "5 < 05\n# end at 5 ms: 2 bytes from the instrument, 0 to it\n"), Contains("1 bytes from the instrument"));
    CHECK_THAT(refusal(head + "# end at 0 ms: 0 bytes from the instrument, 0 to it\n5 < 05\n"), Contains("nothing behind the end line"));
}

TEST_CASE("a capture without its end is replayed as far as it goes, and refused") {
    sim::TemporaryFolder folder;
    std::string const text = slurp(kept / "line.capture");
    std::ofstream{folder / "cut", std::ios::binary} << text.substr(0, text.find("# end"));
    Printed const printed = replay(folder / "cut", with("line"));
    REQUIRE_FALSE(printed.done);
    CHECK(printed.done.error().fault == Fault::refused);
    CHECK_THAT(printed.done.error().message, Contains("has no end"));
    CHECK(std::count(printed.out.begin(), printed.out.end(), '\n') == 4);
}

TEST_CASE("a driver that says something else than the capture has stops the replay") {
    Printed const printed = replay(kept / "spectramax.capture", with("biorad"));
    REQUIRE_FALSE(printed.done);
    CHECK_THAT(printed.done.error().message, Contains("The driver says ") && Contains(" where the capture has "));
    CHECK(printed.out.empty());
}

TEST_CASE("a damaged result in a capture is told and the replay fails") {
    sim::TemporaryFolder folder;
    Capture capture = parse_capture(slurp(kept / "biotek.capture")).value();
    for (auto& chunk : capture.chunks)
        if (auto const digit = chunk.bytes.find("+1."); digit != std::string::npos) {
            chunk.bytes[digit + 1] = '2';
            break;
        }
    std::ofstream{folder / "damaged", std::ios::binary} << text_of(capture);
    Printed const printed = replay(folder / "damaged", with("biotek"));
    REQUIRE_FALSE(printed.done);
    CHECK_THAT(printed.done.error().message, Contains("1 runs could not be read"));
}
