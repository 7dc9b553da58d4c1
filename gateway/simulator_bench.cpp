#include "gateway/simulator_bench.hpp"

#include <boost/asio/co_spawn.hpp>
#include <csignal>
#include <utility>

namespace marrowlink {

Result<void> SimulatorBench::open_log(std::filesystem::path const& path) {
    if (path.empty()) return {};
    auto opened = SyncedLog::open(path);
    if (!opened) return fail(opened.error());
    log_ = std::move(*opened);
    logs_ = true;
    return {};
}

void SimulatorBench::note(std::string_view line) {
    if (!logs_) return;
    auto const written = log_.append(line);
    if (written) return;
    outcome_ = fail(written.error());
    loop_.stop();
}

Result<void> SimulatorBench::run(Task<Result<void>> playing, std::function<void()> pressed) {
    for (int const signal : {SIGTERM, SIGINT}) signals_.add(signal);
    if (pressed) signals_.add(SIGUSR1);
    await_signal(std::move(pressed));
    boost::asio::co_spawn(loop_, std::move(playing), [this](std::exception_ptr, Result<void> ended) {
        if (!ended) outcome_ = ended;
        loop_.stop();
    });
    loop_.run();
    return outcome_;
}

void SimulatorBench::await_signal(std::function<void()> pressed) {
    signals_.async_wait([this, pressed = std::move(pressed)](boost::system::error_code stopped, int signal) mutable {
        if (stopped) return;
        if (signal != SIGUSR1) return loop_.stop();
        pressed();
        await_signal(std::move(pressed));
    });
}

}  // namespace marrowlink
