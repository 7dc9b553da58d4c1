#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "gateway/simulate.hpp"
#include "io/system.hpp"
#include "io/tcp.hpp"

namespace marrowlink {
namespace {

class ModbusBench {
 public:
    explicit ModbusBench(SimulateModbusOptions const& options)
        : device_(options.device, clock_.now()), door_(loop_.get_executor(), options.listen, options.port), signals_(loop_) {}

    Result<void> run(SimulateModbusOptions const& options) {
        auto const port = door_.listen();
        if (!port) return fail(port.error());
        for (int const signal : {SIGTERM, SIGINT, SIGUSR1}) signals_.add(signal);
        await_signal();
        std::cout << fmt::format("A simulated {} answers on {}:{}.", options.device.device, options.listen, *port) << std::endl;
        auto playing = play();
        boost::asio::co_spawn(loop_, std::move(playing), [this](std::exception_ptr, Result<void> ended) {
            outcome_ = ended;
            loop_.stop();
        });
        loop_.run();
        return outcome_;
    }

 private:
    void await_signal() {
        signals_.async_wait([this](boost::system::error_code stopped, int signal) {
            if (stopped) return;
            if (signal != SIGUSR1) return loop_.stop();
            device_.take_sample();
            std::cout << "A sample was taken." << std::endl;
            await_signal();
        });
    }

    Task<Result<void>> play() {
        for (;;) {
            auto line = co_await door_.open();
            if (!line) co_return fail(line.error());
            co_await modbus::play_tcp(device_, **line, clock_);
        }
    }

    SystemClock clock_;
    modbus::ModbusSimulator device_;
    boost::asio::io_context loop_{1};
    TcpListenerFactory door_;
    boost::asio::signal_set signals_;
    Result<void> outcome_;
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
