#include "io/adapter_transport.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <random>

#include "core/log.hpp"
#include "tests/sim/adapter_box.hpp"
#include "tests/sim/virtual_clock.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using sim::AdapterBox;

namespace {
std::string logged;

struct Bench {
    explicit Bench(std::uint32_t memory_bytes = 64u << 10, wire::adapter::Storage kind = wire::adapter::Storage::fram)
        : box(std::make_shared<AdapterBox>(clock, memory_bytes, kind)) {
        logged.clear();
        log::set_sink([](log::Level, std::string_view text) { logged += std::string(text) + "\n"; });
        place.owner = "lyon/gw1/reader";
        place.instrument = "reader";
        clock.run_for(1s);
    }
    ~Bench() {
        log::set_sink([](log::Level, std::string_view) {});
    }
    Result<void> open() {
        line = std::make_unique<AdapterLine>(box, place, clock, dice);
        auto opened = clock.finish(line->open());
        if (!opened) return fail(opened.error());
        transport = std::move(*opened);
        returned = 0;
        return {};
    }
    // A gateway that has `durable` of what the instrument said, connected anew.
    std::uint64_t resume() {
        REQUIRE(open());
        auto const at = resume_at(durable.size());
        if (!at) FAIL(at.error().message);
        return *at;
    }
    Result<std::uint64_t> resume_at(std::uint64_t position) {
        LinePlace from{position, count};
        auto const at = clock.finish(transport->resume(std::move(from)));
        if (!at) return fail(at.error());
        count = at->count;
        return at->position;
    }
    // Everything that comes within a second; the error that ended it.
    Error read(bool release = true) {
        std::array<std::byte, 300> buffer;
        for (;;) {
            auto const got = clock.finish(transport->read_some(buffer, clock.now() + 1s));
            if (!got) return got.error();
            durable.append(reinterpret_cast<char const*>(buffer.data()), *got);
            returned += *got;
            if (release) transport->release(returned);
        }
    }
    void drain() {
        for (;;) {
            resume();
            if (read().fault == Fault::timed_out) break;
        }
    }
    AdapterState state() { return clock.finish(read_adapter(*box, place)).value(); }

    boost::asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{3};
    std::string count;
    std::shared_ptr<AdapterBox> box;
    AdapterPlace place;
    std::unique_ptr<AdapterLine> line;
    std::unique_ptr<Transport> transport;
    std::uint64_t returned = 0;
    std::string durable;
};
}  // namespace

TEST_CASE("what the adapter kept is read, and freed when it is durable here") {
    Bench bench;
    bench.box->hear("heard before anyone came\n");
    CHECK(bench.resume() == 0);
    CHECK(bench.read().fault == Fault::timed_out);
    bench.box->hear("one\n");
    bench.box->hear("two\n");
    CHECK(bench.read().fault == Fault::timed_out);
    CHECK(bench.durable == "heard before anyone came\none\ntwo\n");
    auto const state = bench.state();
    CHECK(state.freed == state.written);
    CHECK(state.owner_name == "reader");
    CHECK(state.freed_data == bench.durable.size());
}

TEST_CASE("one read gives all messages that are here, up to a gap, and each is freed when it is durable") {
    Bench bench;
    for (char const* const line : {"one\n", "two\n", "three\n"}) bench.box->hear(line);
    bench.resume();
    std::array<std::byte, 300> buffer;
    auto const read = [&](std::size_t room = 300) {
        auto const got = bench.clock.finish(bench.transport->read_some(std::span(buffer).first(room), bench.clock.now() + 1s));
        return got ? std::string(reinterpret_cast<char const*>(buffer.data()), *got) : got.error().message;
    };
    CHECK(read() == "one\ntwo\nthree\n");
    bench.transport->release(8);
    bench.box->hear("four\n");
    bench.box->power_off();
    bench.box->power_on();
    bench.box->hear("five\n");
    CHECK(read() == "four\n");
    CHECK(bench.state().freed_data == 8);
    CHECK(read().find("began anew here") != std::string::npos);

    bench.durable = "one\ntwo\nthree\nfour\n";
    bench.resume();
    CHECK(read(2) == "fi");  // the restart is passed in silence: nothing was said on this connection yet
    CHECK(read(2) == "ve");
    CHECK(read() == "\n");
}

TEST_CASE("a read of a silent adapter that is interrupted ends at once, and what comes later is read") {
    Bench bench;
    bench.place.poll = 60s;
    bench.resume();
    CHECK(bench.read().fault == Fault::timed_out);
    std::array<std::byte, 300> buffer;
    std::optional<Result<std::size_t>> ended;
    auto reading = bench.transport->read_some(buffer, Clock::Instant::max());
    boost::asio::co_spawn(bench.loop, std::move(reading), [&](std::exception_ptr, Result<std::size_t> value) { ended = std::move(value); });
    bench.clock.run_for(1s);
    REQUIRE_FALSE(ended);
    bench.transport->interrupt();
    bench.clock.settle();
    REQUIRE(ended);
    REQUIRE_FALSE(*ended);
    CHECK(ended->error().fault == Fault::timed_out);
    // Also while the bus is being asked.
    ended.reset();
    auto again = bench.transport->read_some(buffer, Clock::Instant::max());
    bench.box->answered = [&] { bench.transport->interrupt(); };
    boost::asio::co_spawn(bench.loop, std::move(again), [&](std::exception_ptr, Result<std::size_t> value) { ended = std::move(value); });
    bench.clock.run_for(61s);
    bench.box->answered = nullptr;
    REQUIRE(ended);
    REQUIRE_FALSE(*ended);
    bench.box->hear("later\n");
    bench.clock.run_for(60s);
    CHECK(bench.read().fault == Fault::timed_out);
    CHECK(bench.durable == "later\n");
}

TEST_CASE("while nothing waits only the head of the window is read, and all of it once something does") {
    struct Counting final : ModbusMaster {
        explicit Counting(std::shared_ptr<AdapterBox> adapter) : box(std::move(adapter)) {}
        Task<Result<ModbusAnswer>> ask(ModbusRequest request) override {
            counts.push_back(request.count);
            co_return co_await box->ask(std::move(request));
        }
        std::string name() const override { return box->name(); }
        std::shared_ptr<AdapterBox> box;
        std::vector<std::uint16_t> counts;
    };
    namespace window = wire::adapter::window;
    Bench bench;
    auto const bus = std::make_shared<Counting>(bench.box);
    AdapterLine line{bus, bench.place, bench.clock, bench.dice};
    bench.transport = bench.clock.finish(line.open()).value();
    REQUIRE(bench.resume_at(0));
    CHECK(bench.read().fault == Fault::timed_out);
    bus->counts.clear();
    CHECK(bench.read().fault == Fault::timed_out);
    CHECK(bus->counts.size() > 10);
    CHECK(std::count(bus->counts.begin(), bus->counts.end(), window::data) == std::ssize(bus->counts));
    bus->counts.clear();
    for (int n = 0; n < 20; ++n) bench.box->hear("a message of some length\n");
    CHECK(bench.read().fault == Fault::timed_out);
    CHECK(bench.durable.size() == 20 * 25);
    std::size_t const windows = (20 * (25 + 32) + window::data_bytes_max - 1) / window::data_bytes_max;
    REQUIRE(bus->counts.size() > windows + 2);
    CHECK(bus->counts[0] == window::data);
    for (std::size_t n = 1; n <= windows; ++n) CHECK(bus->counts[n] == window::count);
    CHECK(bus->counts.back() == window::data);
}

TEST_CASE("what is not durable here stays in the adapter, and comes again to whoever asks, from the middle of a slot too") {
    Bench bench;
    bench.box->hear(std::string(900, 'a') + "\n");
    bench.resume();
    bench.read(false);
    REQUIRE(bench.durable.size() == 901);
    CHECK(bench.state().freed_data == 0);
    for (std::size_t const kept : {std::size_t{0}, std::size_t{450}, std::size_t{900}, std::size_t{901}}) {
        bench.durable.resize(kept);
        CHECK(bench.resume() == kept);
        bench.read(false);
        CHECK(bench.durable.size() == 901);
    }
    bench.resume();
    bench.read();  // nothing new, and the old may go
    CHECK(bench.state().freed_data == 901);
}

TEST_CASE("questions and answers that are lost or damaged cost time and no byte (field 43)") {
    Bench bench;
    std::mt19937 dice(43);
    bench.box->next_trouble = [&] { return dice() % 3 == 0 ? static_cast<AdapterBox::Trouble>(dice() % 4) : AdapterBox::Trouble::none; };
    std::string said;
    for (int round = 0; round < 300; ++round) {
        std::string const line = fmt::format("{:04} {}\n", round, std::string(dice() % 400, '.'));
        if (dice() % 2) {
            bench.box->hear(line);
            said += line;
        }
        if (!bench.transport || dice() % 5 == 0) {
            if (!bench.open()) {
                bench.transport.reset();
                continue;
            }
            auto const at = bench.resume_at(bench.durable.size());
            if (!at) {
                bench.transport.reset();
                continue;
            }
            REQUIRE(*at == bench.durable.size());
        }
        if (bench.read(dice() % 3 > 0).fault != Fault::timed_out) bench.transport.reset();
    }
    bench.box->next_trouble = nullptr;
    bench.drain();
    CHECK(bench.durable == said);
}

TEST_CASE("where the adapter began anew or lost bytes the connection ends, and the next goes on behind") {
    Bench bench(firmware::SlotLog::storage_bytes_min);
    bench.box->hear("before\nhalf of ");
    bench.resume();
    bench.read();
    CHECK(bench.durable == "before\nhalf of ");  // silence ended it
    bench.box->power_off();
    bench.clock.run_for(1s);
    bench.box->power_on();
    bench.box->hear("after\n");
    auto const end = bench.read();
    CHECK(end.fault == Fault::closed);
    CHECK(end.message.find("began anew here (its power came back)") != std::string::npos);
    bench.drain();
    CHECK(bench.durable == "before\nhalf of after\n");
    // More than the log and the ring hold.
    std::string const much(20'000, 'x');
    bench.box->hear(much + "\n");
    std::string told;
    for (int i = 0; i < 5 && told.find("lost bytes") == std::string::npos; ++i) {
        bench.resume();
        told = bench.read().message + logged;
        bench.box->poll();
        bench.box->hear("on\n");
    }
    CHECK(told.find("for want of room") != std::string::npos);
}

TEST_CASE("an adapter that keeps another instrument's line gives nothing of it: swapped cables have a name (field 41)") {
    Bench bench;
    bench.resume();
    bench.box->hear("of the reader\n");
    bench.place.owner = "lyon/gw1/cytometer";
    bench.place.instrument = "cytometer";
    auto const opened = bench.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::refused);
    CHECK(opened.error().message.find("keeps the line of \"reader\", not of \"lyon/gw1/cytometer\": are cables swapped?") !=
          std::string::npos);
    auto const owned = bench.clock.finish(own_adapter(*bench.box, bench.place, 7, 0));
    REQUIRE_FALSE(owned);
    CHECK(owned.error().message.find("while it keeps something of the one before") != std::string::npos);
    bench.place.owner = "lyon/gw1/reader";
    bench.place.instrument = "reader";
    bench.drain();
    CHECK(bench.durable == "of the reader\n");
}

TEST_CASE("an adapter exchanged for another, and back: positions go on, nothing is taken for something else") {
    Bench bench;
    auto const first = bench.box;
    first->hear("first adapter\n");
    bench.drain();
    auto const second = std::make_shared<AdapterBox>(bench.clock);
    bench.clock.run_for(1s);
    bench.box = second;
    second->hear("second\n");
    bench.drain();
    CHECK(bench.durable == "first adapter\nsecond\n");
    bench.box = first;
    first->hear("first again\n");
    bench.drain();
    CHECK(bench.durable == "first adapter\nsecond\nfirst again\n");
    CHECK(logged.find("adapter.counted_anew") != std::string::npos);
}

TEST_CASE("an outbox that was restored goes on behind what the adapter was told is safe, and says so") {
    Bench bench;
    bench.box->hear("lost with the disk\n");
    bench.drain();
    bench.durable.resize(5);
    bench.box->hear("new\n");
    CHECK(bench.resume() == 19);
    bench.durable.resize(19, '?');
    bench.read();
    CHECK(bench.durable.substr(19) == "new\n");
    CHECK(logged.find("adapter.ahead") != std::string::npos);
}

TEST_CASE("memory that forgets is said, and what is lost with it is a gap") {
    Bench bench(64u << 10, wire::adapter::Storage::ram);
    bench.box->hear("kept\n");
    bench.drain();
    CHECK(logged.find("adapter.forgetful") != std::string::npos);
    bench.box->hear("forgotten\n");
    bench.box->power_off();
    bench.box->power_on();
    bench.box->hear("after\n");
    bench.drain();
    CHECK(bench.durable == "kept\nafter\n");
    CHECK(logged.find("began anew here") != std::string::npos);
}

TEST_CASE("a slot whose memory went bad is a gap of its length, and what follows is read") {
    Bench bench;
    bench.resume();
    bench.box->hear("first\n");
    bench.box->hear("second\n");
    bench.box->hear("third\n");
    std::uint32_t const restart = 34, one = 32 + 6;
    bench.box->memory.memory[firmware::SlotLog::ring_at + restart + one + wire::slot_header_bytes + 1] ^= 4;
    auto const end = bench.read();
    CHECK(end.message.find("7 bytes went bad") != std::string::npos);
    CHECK(bench.durable == "first\n");
    CHECK(bench.resume() == 13);
    bench.durable.resize(13, '?');
    bench.read();
    CHECK(bench.durable.substr(13) == "third\n");
}

TEST_CASE("a conversation leaves out what was said before it, and frees what it has heard") {
    Bench bench;
    bench.box->hear("answer to a question of yesterday\n");
    REQUIRE(bench.open());
    bench.box->hear("OK\n");
    CHECK(bench.read(false).fault == Fault::timed_out);
    CHECK(bench.durable == "OK\n");
    auto const state = bench.state();
    CHECK(state.freed == state.written);
    std::string const command(500, 'C');
    REQUIRE(bench.clock.finish(bench.transport->write(std::as_bytes(std::span(command)))));
    CHECK(bench.box->said() == command);
}

TEST_CASE("what answers and is no adapter, or one of another time, is named with what was found") {
    Bench bench;
    struct Other final : ModbusMaster {
        Task<Result<ModbusAnswer>> ask(ModbusRequest request) override {
            ModbusAnswer answer;
            answer.values.assign(request.count, 0);
            answer.values[0] = first;
            answer.values[1] = second;
            co_return answer;
        }
        std::string name() const override { return "bus"; }
        std::uint16_t first = 215, second = 0;
    } other;
    auto const none = bench.clock.finish(read_adapter(other, bench.place));
    REQUIRE_FALSE(none);
    CHECK(none.error().message == "What answers as unit 1 on bus is no Marrowlink adapter (register 0 is 00D7h, expected 4D4Ch).");
    other.first = wire::adapter::magic;
    for (std::uint16_t const version : {0, 2}) {
        other.second = version;
        auto const state = bench.clock.finish(read_adapter(other, bench.place));
        REQUIRE_FALSE(state);
        CHECK(state.error().message.find(version == 2 ? "Update the gateway." : "Update the adapter.") != std::string::npos);
    }
}

TEST_CASE("settings reach the adapter when the line is opened, and one that cannot be is named") {
    Bench bench;
    bench.place.settings.baud = 19'200;
    bench.place.settings.framing = wire::adapter::Framing::idle;
    REQUIRE(bench.open());
    bench.clock.run_for(1s);
    bench.box->poll();
    CHECK(bench.box->adapter().settings().baud == 19'200);
    CHECK(bench.clock.finish(read_adapter_settings(*bench.box, bench.place)).value() == bench.box->adapter().settings());
    bench.place.settings.stop_bits = 3;
    auto const opened = bench.open();
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message == "An adapter cannot have this stop bits.");
}
