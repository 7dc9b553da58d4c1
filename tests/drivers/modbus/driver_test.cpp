#include "drivers/modbus/driver.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "core/log.hpp"
#include "tests/drivers/modbus/memory_bus.hpp"

using namespace marrowlink;
using namespace marrowlink::modbus;
using namespace std::chrono_literals;

namespace {
RegisterMap map_named(std::string_view name) {
    auto const file = bundled_map(name);
    REQUIRE(file);
    auto map = parse_map(std::string{file->bytes}, std::string{file->name});
    REQUIRE(map);
    return *std::move(map);
}

// One device, one bus, one driver; `committed` stands for the outbox.
struct Bench {
    boost::asio::io_context loop;
    sim::VirtualClock clock{loop};
    ModbusSimulator device;
    std::shared_ptr<MemoryBus> bus;
    std::shared_ptr<Recorded> recorded = std::make_shared<Recorded>();
    RegisterMap map;
    std::unique_ptr<ModbusDriver> driver;
    std::map<std::string, Draft> committed;

    explicit Bench(std::string const& name) : device(modbus::SimulatorOptions{name, 1, 1, 60s, {}}, clock.now()), map(map_named(name)) {
        log::set_sink([](log::Level, std::string_view) {});
        bus = std::make_shared<MemoryBus>(clock, device.bank());
        connect();
    }
    void connect() { driver = std::make_unique<ModbusDriver>(map, Options{"device-1", 1, 1'000ms}, bus, recorded, clock); }
    Result<Batch> next(std::chrono::milliseconds limit = 1h) { return clock.finish(driver->next(), limit); }
    void commit(Batch const& batch) {
        Sha256 hash;
        for (Draft const& draft : batch.records) committed.emplace(idempotency_key(draft, hash), draft);
    }
    Batch taken(std::chrono::milliseconds limit = 1h) {
        auto batch = next(limit);
        INFO((batch ? std::string() : batch.error().message));
        REQUIRE(batch);
        commit(*batch);
        auto const told = clock.finish(driver->acknowledge(batch->receipt));
        INFO((told ? std::string() : told.error().message));
        REQUIRE(told);
        return *std::move(batch);
    }
    static json::object data(Batch const& batch, std::string_view type) {
        for (Draft const& draft : batch.records)
            if (draft.type == type) return json::parse(draft.data, type)->get_object();
        return {};
    }
    // name → "value flag"
    static std::map<std::string, std::string> values(Batch const& batch) {
        std::map<std::string, std::string> out;
        json::object const telemetry = data(batch, type::telemetry);
        if (auto const* const list = telemetry.if_contains("values"))
            for (json::value const& one : list->get_array()) {
                json::object const& value = one.get_object();
                CHECK((!value.contains("value") || !json::string_of(value, "value").empty()));
                out[std::string{json::string_of(value, "name")}] =
                    std::string{json::string_of(value, "value")} + "|" + std::string{json::string_of(value, "flag")};
            }
        return out;
    }
};
}  // namespace

TEST_CASE("an incubator's registers become telemetry, its alarms a state") {
    Bench bench{"hettich"};
    auto const identity = bench.clock.finish(bench.driver->identify());
    REQUIRE(identity);
    CHECK(identity->find("Hettich incubator (Hettcube) (this register map has not been tried on a real device yet") == 0);
    Batch const first = bench.taken();
    CHECK(Bench::values(first) == std::map<std::string, std::string>{{"temperature", "37.0|"}, {"door", "0|"}, {"alarms", "0|"}});
    CHECK(json::string_of(Bench::data(first, type::instrument_state), "state") == "normal");
    CHECK(bench.driver->activity() == "temperature 37.0 °C, door 0, alarms 0, answers in 5 of 1000 ms");

    bench.device.bank().input[4] = 0b10;
    auto const before = bench.clock.now();
    Batch const alarm = bench.taken();
    CHECK(bench.clock.now() - before <= 11s);
    CHECK(json::string_of(Bench::data(alarm, type::instrument_state), "state") == "attention");
    CHECK(json::string_of(Bench::data(alarm, type::instrument_state), "detail") == "upper limit passed");
    CHECK(Bench::values(alarm).empty());
}

TEST_CASE("telemetry comes at most once a minute and a state only when it changes, through reconnections too") {
    Bench bench{"hettich"};
    auto const end = bench.clock.now() + 1h;
    std::vector<Clock::Instant> at;
    int states = 0, turns = 0;
    while (bench.clock.now() < end) {
        Batch const batch = bench.taken();
        for (Draft const& draft : batch.records) {
            if (draft.type == type::telemetry) at.push_back(bench.clock.now());
            if (draft.type == type::instrument_state) ++states;
        }
        if (++turns % 7 == 0) bench.connect();
    }
    CHECK(states == 1);
    CHECK(at.size() >= 50);
    for (std::size_t i = 1; i < at.size(); ++i) CHECK(at[i] - at[i - 1] >= telemetry_period);
}

TEST_CASE("a line that flickers around a limit makes no flood of states") {
    Bench bench{"hettich"};
    bench.map.registers[0].max = 37.0;
    for (Register& reg : bench.map.registers) reg.poll = 1s;
    bench.connect();
    bench.bus->before = [&, n = 0](ModbusRequest const&) mutable {
        bench.device.bank().input[0] = static_cast<std::uint16_t>(369 + 2 * (++n / 2 % 2));
    };
    auto const end = bench.clock.now() + 10min;
    int states = 0;
    while (bench.clock.now() < end)
        for (Draft const& draft : bench.taken().records) states += draft.type == type::instrument_state;
    CHECK(states > 1);
    CHECK(states <= 61);
}

TEST_CASE("before first contact and after it is lost there is no value, never 0 or 65535 (field 50, 51)") {
    Bench bench{"hettich"};
    for (RegisterView const& view : bench.driver->registers()) {
        CHECK(view.value.empty());
        CHECK(view.words.empty());
        CHECK_FALSE(view.heard);
    }
    CHECK_FALSE(bench.driver->heard());
    CHECK(bench.driver->activity().empty());
    bench.bus->mute = true;
    auto const none = bench.next();
    REQUIRE_FALSE(none);
    CHECK(none.error().fault == Fault::timed_out);
    bench.bus->mute = false;
    bench.connect();
    bench.taken();
    bench.bus->mute = true;
    CHECK_FALSE(bench.next());
    for (RegisterView const& view : bench.driver->registers()) {
        CHECK(view.value.empty());
        CHECK(view.flag == "no answer");
        CHECK(view.heard);
    }
}

TEST_CASE("a device that stops answering is unreachable within two poll periods (field 47)") {
    Bench bench{"hettich"};
    for (Register& reg : bench.map.registers) reg.poll = 10s;
    bench.connect();
    bench.taken();
    bench.bus->mute = true;
    auto const began = bench.clock.now();
    auto const end = bench.next();
    REQUIRE_FALSE(end);
    CHECK(bench.clock.now() - began < 20s);
}

TEST_CASE("a port that is gone ends the connection at once, with its words") {
    Bench bench{"hettich"};
    bench.taken();
    bench.bus->error = Error{Fault::unavailable, "/dev/ttyUSB0 is not there"};
    auto const end = bench.next();
    REQUIRE_FALSE(end);
    CHECK(end.error().message == "/dev/ttyUSB0 is not there");
    CHECK_FALSE(bench.clock.finish(bench.driver->identify()));
}

TEST_CASE("registers that a device does not have are named as trouble; the others go on") {
    Bench bench{"hettich"};
    bench.device.bank().input.erase(4);
    Batch const first = bench.taken();
    auto values = Bench::values(first);
    CHECK(values["temperature"] == "37.0|");
    CHECK(values["alarms"] == "|exception 2, it has no such address");
    auto const trouble = bench.driver->trouble();
    REQUIRE(trouble);
    CHECK(trouble->message == "\"door\" (input 3) has no value: exception 2, it has no such address.");
    CHECK(json::string_of(Bench::data(first, type::instrument_state), "detail") == "door has no value, alarms has no value");
    std::size_t const asked = bench.bus->requests.size();
    bench.taken();  // a minute on: refused registers were asked for once more, and not at each poll
    CHECK(bench.bus->requests.size() - asked <= 9);
}

TEST_CASE("busy is no failure: the device is asked again soon") {
    Bench bench{"hettich"};
    bench.bus->exception = 6;
    int asked = 0;
    bench.bus->before = [&](ModbusRequest const&) {
        if (++asked > 4) bench.bus->exception = 0;
    };
    auto const began = bench.clock.now();
    Batch const first = bench.taken();
    CHECK(Bench::values(first)["temperature"] == "37.0|");
    CHECK(bench.clock.now() - began < 10s);
    CHECK_FALSE(bench.driver->trouble());
}

TEST_CASE("a round whose guard changes is read again, and values that never hold still are none") {
    Bench bench{"hettich"};
    for (Register& reg : bench.map.registers) reg.poll = 10s;
    bench.map.guard = 1;  // the door stands for a counter
    bench.connect();
    bool always = false;
    int torn = 2;
    bench.bus->before = [&](ModbusRequest const& request) {
        if (request.address == 3 && request.count == 1 && (always || torn-- > 0)) ++bench.device.bank().input[3];
    };
    CHECK(Bench::values(bench.taken())["temperature"] == "37.0|");
    always = true;
    std::map<std::string, std::string> values;
    while (values.empty()) values = Bench::values(bench.taken());
    CHECK(values["temperature"] == "|its registers changed each time while they were read");
}

TEST_CASE("queued results become runs: read, committed, and only then advanced over") {
    Bench bench{"minicapt"};
    for (int n = 0; n < 3; ++n) bench.device.take_sample();
    auto const truth = bench.device.taken();
    for (std::size_t n = 0; n < 3; ++n) {
        auto batch = bench.next();
        REQUIRE(batch);
        if (batch->records.front().type != type::run_file) {  // telemetry comes between
            REQUIRE(bench.clock.finish(bench.driver->acknowledge(batch->receipt)));
            batch = bench.next();
            REQUIRE(batch);
        }
        CHECK(bench.device.deleted().size() == n);
        json::object const readings = Bench::data(*batch, type::run_readings);
        std::map<std::string, std::string> values;
        for (json::value const& one : readings.at("readings").get_array())
            values[std::string{json::string_of(one.get_object(), "read")}] = json::string_of(one.get_object(), "value");
        CHECK(values["time stamp"] == std::to_string(truth[n].time_stamp));
        CHECK(values["sample time"] == "60.00");
        CHECK(values["flow rate"] == std::to_string(truth[n].flow_rate).insert(std::to_string(truth[n].flow_rate).size() - 2, "."));
        CHECK(std::stod(values["volume"]) * 100'000 == Approx(truth[n].volume));
        CHECK_FALSE(values.contains("samples queued"));
        CHECK_FALSE(values.contains("device status"));
        json::object const manifest = Bench::data(*batch, type::run_finished);
        CHECK(json::string_of(manifest, "driver") == "modbus");
        CHECK(batch->records.front().sourcekey == "time stamp " + std::to_string(truth[n].time_stamp));
        bench.commit(*batch);
        REQUIRE(bench.clock.finish(bench.driver->acknowledge(batch->receipt)));
        CHECK(bench.device.deleted().size() == n + 1);
    }
    CHECK(bench.device.waiting().empty());
}

TEST_CASE("a crash between commit and advance makes the same run again, and it is advanced over once") {
    Bench bench{"minicapt"};
    bench.device.take_sample();
    bench.device.take_sample();
    std::set<std::string> runs;
    for (int crash = 0; crash < 4; ++crash) {
        auto batch = bench.next();
        while (batch && batch->records.front().type != type::run_file) {
            REQUIRE(bench.clock.finish(bench.driver->acknowledge(batch->receipt)));
            batch = bench.next();
        }
        REQUIRE(batch);
        bench.commit(*batch);
        runs.insert(batch->records.front().run);
        bench.connect();
    }
    CHECK(runs.size() == 1);
    CHECK(bench.device.deleted().empty());
}

TEST_CASE("an advance whose answer is lost is not repeated over the next result") {
    Bench bench{"minicapt"};
    for (int n = 0; n < 5; ++n) bench.device.take_sample();
    std::vector<std::string> keys;
    while (keys.size() < 5) {
        bench.bus->lose_answer_to = ModbusFunction::write_single_coil;
        Batch const batch = bench.taken();
        if (batch.records.front().type == type::run_file) keys.push_back(batch.records.front().sourcekey);
    }
    for (std::size_t n = 0; n < 5; ++n) CHECK(keys[n] == "time stamp " + std::to_string(bench.device.taken()[n].time_stamp));
    CHECK(bench.device.deleted().size() == 5);
}

TEST_CASE("a result that changes while it is read is read again, never torn") {
    Bench bench{"minicapt"};
    bench.device.take_sample();
    int changes = 2;
    bench.bus->before = [&](ModbusRequest const& request) {
        if (request.count > 2 && changes-- > 0) {
            bench.device.take_sample();
            bench.device.bank().on_coil(1, false);  // somebody else advances
        }
    };
    Batch batch = bench.taken();
    while (batch.records.front().type != type::run_file) batch = bench.taken();
    CHECK(batch.records.front().sourcekey == "time stamp " + std::to_string(bench.device.taken()[2].time_stamp));
}

TEST_CASE("a device slow to advance is not told twice within its patience") {
    Bench bench{"minicapt"};
    bench.device.take_sample();
    bench.device.take_sample();
    auto const advance = bench.device.bank().on_coil;
    int told = 0;
    bench.device.bank().on_coil = [&](std::uint16_t address, bool value) {
        if (++told == 1) return;  // confirmed, and carried out only later
        advance(address, value);
    };
    auto const began = bench.clock.now();
    while (told < 2) bench.taken();
    CHECK(bench.clock.now() - began >= advance_patience);
    CHECK(bench.device.deleted().size() == 1);
}

TEST_CASE("a refused advance says what to do and keeps the result on the device") {
    Bench bench{"minicapt"};
    bench.device.take_sample();
    bench.device.bank().coils.clear();
    auto batch = bench.next();
    while (batch && batch->records.front().type != type::run_file) {
        REQUIRE(bench.clock.finish(bench.driver->acknowledge(batch->receipt)));
        batch = bench.next();
    }
    REQUIRE(batch);
    auto const told = bench.clock.finish(bench.driver->acknowledge(batch->receipt));
    REQUIRE_FALSE(told);
    CHECK(told.error().message.find("compare [queue] of the register map with its manual") != std::string::npos);
    CHECK(bench.device.waiting().size() == 1);
}

TEST_CASE("a circulator's float without a sensor is no value; its registers show every interpretation (field 49, 51)") {
    Bench bench{"julabo"};
    auto values = Bench::values(bench.taken());
    CHECK(values["bath temperature"] == "-20|");
    CHECK(values["external temperature"] == "|no value: not a number (NaN)");
    bool seen = false;
    for (RegisterView const& view : bench.driver->registers())
        for (auto const& one : view.interpretations)
            seen = seen || (view.name == "bath temperature" && one.as == "f32 ABCD" && one.value == "-20");
    CHECK(seen);
}
