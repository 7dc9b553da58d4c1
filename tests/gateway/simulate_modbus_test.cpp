// A simulated Modbus device with its faults, as a bus of ours hears it over TCP.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

#include "drivers/modbus/simulator.hpp"
#include "io/modbus.hpp"
#include "io/system.hpp"
#include "io/tcp.hpp"
#include "tests/io/real_loop.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {
struct Heard {
    int answered = 0, wrong = 0, silent = 0, refused = 0;
};

// A Hettich incubator's temperature, asked so often; it stays the same in so short a time.
Heard ask(modbus::AnswerFaults faults, int questions) {
    asio::io_context loop{1};
    SystemClock clock;
    modbus::SimulatorOptions options;
    options.faults = faults;
    modbus::ModbusSimulator device{options, clock.now()};
    std::uint16_t const truth = device.bank().input.at(0);
    TcpListenerFactory door{loop.get_executor(), "127.0.0.1", 0};
    auto const port = door.listen();
    REQUIRE(port);
    asio::co_spawn(
        loop,
        [&]() -> Task<void> {
            for (;;) {
                auto line = co_await door.open();
                if (!line) co_return;
                co_await modbus::play_tcp(device, **line, clock);
            }
        },
        asio::detached);
    Heard heard;
    ModbusBus bus{loop.get_executor(), clock, ModbusTcp{"127.0.0.1", *port}};
    for (int n = 0; n < questions; ++n) {
        ModbusRequest request;
        request.function = ModbusFunction::read_input_registers;
        request.response_timeout = 80ms;
        auto const answer = run_on(loop, bus.ask(std::move(request)), 10s);
        if (!answer) {
            ++(answer.error().fault == Fault::timed_out ? heard.silent : heard.refused);
            continue;
        }
        ++heard.answered;
        heard.wrong += answer->values != std::vector<std::uint16_t>{truth};
    }
    return heard;
}
}  // namespace

TEST_CASE("a simulated Modbus device is late, garbles, repeats and falls silent as told, and no wrong value comes of it (field 43)") {
    Heard const well = ask(modbus::faults_of(SimulatedVariant::normal), 50);
    CHECK(well.answered == 50);
    CHECK(well.wrong == 0);

    modbus::AnswerFaults late;
    late.late = 30ms;
    CHECK(ask(late, 10).answered == 10);
    late.late = 200ms;  // later than they are waited for
    CHECK(ask(late, 5).answered == 0);

    Heard const repeated = ask(modbus::faults_of(SimulatedVariant::repeating), 50);
    CHECK(repeated.answered == 50);
    CHECK(repeated.wrong == 0);

    modbus::AnswerFaults garbled = modbus::faults_of(SimulatedVariant::damaged);
    garbled.garble_every = 4;
    Heard const damaged = ask(garbled, 60);
    CHECK(damaged.wrong == 0);
    CHECK(damaged.answered >= 5);  // one that breaks off costs the connection, and a new one is not tried at once
    CHECK(damaged.silent + damaged.refused > 3);

    modbus::AnswerFaults silent;
    silent.silent_after = 5;
    Heard const mute = ask(silent, 8);
    CHECK(mute.answered == 5);
    CHECK(mute.silent == 3);
}
