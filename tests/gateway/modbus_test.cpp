// A Modbus instrument as the gateway runs it: plan, driver, outbox, and what its registers are shown as.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "core/log.hpp"
#include "gateway/instrument.hpp"
#include "gateway/plan.hpp"
#include "gateway/registers.hpp"
#include "instrument_ear.hpp"
#include "outbox_world.hpp"
#include "tests/drivers/modbus/memory_bus.hpp"

using namespace marrowlink;
using namespace marrowlink::outbox_world;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {
struct Bench {
    explicit Bench(std::string const& device_name) : device(modbus::SimulatorOptions{device_name, 1, 1, 10min, {}}, clock.now()) {
        log::set_sink([](log::Level, std::string_view) {});
        outbox = std::make_unique<Outbox>(open_store(folder.path()), clock, "boot", loop.get_executor(), loop.get_executor());
        bus = std::make_shared<modbus::MemoryBus>(clock, device.bank());
        auto const config = parse_config(
            "site = \"lyon\"\ngateway = \"gw1\"\n[broker]\nhost = \"b\"\n[[instrument]]\nid = \"device-1\"\n"
            "driver = \"modbus\"\nconnect = \"d:502\"\nmap = \"" +
                device_name + "\"\n",
            "gateway.toml");
        REQUIRE(config);
        PlanWorld const world{loop.get_executor(), clock, {}, {}, {}, [this](ModbusPlace const& place) {
                                  places.push_back(describe(place));
                                  return bus;
                              }};
        InstrumentPlan plan = plan_for(config->instruments[0], world);
        CHECK(plan.port == "memory unit 1");
        CHECK(plan.driver_name == "modbus");
        CHECK_FALSE(plan.tried_on_hardware);
        CHECK(places == std::vector<std::string>{"d:502"});
        instrument = std::make_unique<Instrument>(std::move(plan), *outbox, clock, dice, ear);
    }
    ~Bench() {
        stop.emit(asio::cancellation_type::terminal);
        clock.run_for(1s);
    }
    void start() { asio::co_spawn(loop, instrument->run(), asio::bind_cancellation_slot(stop.slot(), asio::detached)); }
    std::vector<std::string> kept(std::string_view type) {
        auto const all = clock.finish(outbox->peek(1, 1'000, 1u << 20));
        REQUIRE(all);
        std::vector<std::string> out;
        for (Record const& record : *all)
            if (record.type() == type) out.push_back(record.data);
        return out;
    }

    TemporaryFolder folder;
    asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy dice{7};
    modbus::ModbusSimulator device;
    std::shared_ptr<modbus::MemoryBus> bus;
    std::vector<std::string> places;
    Ear ear;
    std::unique_ptr<Outbox> outbox;
    std::unique_ptr<Instrument> instrument;
    asio::cancellation_signal stop;
};
}  // namespace

TEST_CASE("samples of a queueing device are runs in the outbox, each once, and gone from the device") {
    Bench bench{"minicapt"};
    for (int n = 0; n < 20; ++n) bench.device.take_sample();
    bench.start();
    bench.clock.run_for(5min);
    CHECK(bench.kept(type::run_finished).size() == 20);
    CHECK(bench.kept(type::run_readings).size() == 20);
    CHECK(bench.device.deleted().size() == 20);
    CHECK(bench.device.waiting().empty());
}

TEST_CASE("a bus whose port is not there waits for it and serves when it comes (field 38)") {
    Bench bench{"hettich"};
    bench.bus->error = Error{Fault::unavailable, "/dev/m is not there"};
    bench.start();
    bench.clock.run_for(5min);
    CHECK(bench.ear.states.size() == 1);  // one state, however often it is tried
    CHECK(bench.ear.states.back().state == ConnectionState::waiting_for_port);
    CHECK(bench.ear.states.back().detail == "/dev/m is not there");
    CHECK(bench.kept(type::telemetry).empty());
    bench.bus->error.reset();
    bench.clock.run_for(11s);
    CHECK(bench.ear.states.back().state == ConnectionState::serving);
    CHECK(bench.kept(type::telemetry).size() == 1);
    bench.clock.run_for(1h);
    CHECK(bench.kept(type::telemetry).size() <= 61);
    CHECK(bench.kept(type::instrument_state).size() == 1);
}

TEST_CASE("a mute device's state changes within two poll periods, and no value of it is made up (field 47, 51)") {
    Bench bench{"hettich"};
    bench.start();
    bench.clock.run_for(30s);
    std::size_t const told = bench.kept(type::telemetry).size();
    bench.bus->mute = true;
    bench.clock.run_for(20s);
    CHECK(bench.ear.states.back().state != ConnectionState::serving);
    CHECK(bench.ear.states.back().detail == "Unit 1 did not answer.");
    bench.clock.run_for(10min);
    CHECK(bench.kept(type::telemetry).size() == told);
}

TEST_CASE("registers are printed in every interpretation beside their value (field 49)") {
    Bench bench{"julabo"};
    Driver const* driver = nullptr;
    bench.start();
    bench.clock.run_for(5s);
    driver = bench.instrument->driver();
    REQUIRE(driver);
    std::string const text = registers_text(registers_json(driver->registers(), bench.clock.now()));
    CHECK(text.find("bath temperature (input 30011, f32 ABCD): -20 °C   5 s ago\n"
                    "    as it came C1A0 0000\n"
                    "    u32 ABCD  3248488448\n"
                    "    i32 ABCD  -1046478848\n"
                    "    f32 ABCD  -20   <- as the map reads it\n") == 0);
    CHECK(text.find("    f32 DCBA  ") != std::string::npos);
    CHECK(text.find("external temperature (input 30013, f32 ABCD): no value: not a number (NaN)") != std::string::npos);
    bench.bus->mute = true;
    bench.clock.run_for(5min);
    if (Driver const* const silent = bench.instrument->driver())
        for (RegisterView const& view : silent->registers()) CHECK(view.value.empty());
}
