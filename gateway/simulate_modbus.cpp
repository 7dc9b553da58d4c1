#include <fmt/format.h>

#include <iostream>

#include "gateway/simulate.hpp"
#include "gateway/simulator_bench.hpp"
#include "io/tcp.hpp"

namespace marrowlink {
namespace {

class ModbusBench {
 public:
    explicit ModbusBench(SimulateModbusOptions const& options)
        : device_(options.device, SystemClock{}.now()), door_(bench_.executor(), options.listen, options.port) {}

    Result<void> run(SimulateModbusOptions const& options) {
        auto const port = door_.listen();
        if (!port) return fail(port.error());
        auto answers = fmt::format("A simulated {} answers on {}:{}.", options.device.device, options.listen, *port);
        return bench_.run(play(std::move(answers)), [this] {
            device_.take_sample();
            std::cout << "A sample was taken." << std::endl;
        });
    }

 private:
    Task<Result<void>> play(std::string answers) {
        std::cout << answers << std::endl;
        for (;;) {
            auto line = co_await door_.open();
            if (!line) co_return fail(line.error());
            co_await modbus::play_tcp(device_, **line, bench_.clock());
        }
    }

    modbus::ModbusSimulator device_;
    SimulatorBench bench_;
    TcpListenerFactory door_;
};
}  // namespace

Result<void> run_simulate_modbus(SimulateModbusOptions const& options) {
    if (!modbus::ModbusSimulator::knows(options.device.device))
        return fail(Fault::usage,
                    fmt::format("No device \"{}\" can be simulated; hettich, julabo and minicapt can.", options.device.device));
    ModbusBench bench{options};
    return bench.run(options);
}

}  // namespace marrowlink
