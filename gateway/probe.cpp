#include "gateway/probe.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <ostream>

#include "drivers/spectramax/protocol.hpp"
#include "io/system.hpp"
#include "io/tcp.hpp"

namespace marrowlink {
namespace {
Task<Result<ProbeFinding>> open_and_probe(TransportFactory& port, Clock& clock, ProbeOptions options) {
    auto const opened = co_await port.open();
    if (!opened) co_return fail(opened.error());
    co_return co_await probe(**opened, clock, std::move(options));
}
}  // namespace

Result<void> probe_port(ProbePort const& port, ProbeOptions const& options, std::ostream& out) {
    SystemClock clock;
    boost::asio::io_context loop{1};
    std::unique_ptr<TransportFactory> factory;
    if (port.to)
        factory = std::make_unique<TcpClientFactory>(loop.get_executor(), port.to->host, port.to->port);
    else
        factory = std::make_unique<SerialPortFactory>(loop.get_executor(), port.serial);
    out << fmt::format("Listening to {} for {} s.", factory->name(), options.listen.count()) << std::endl;
    Result<ProbeFinding> finding = fail(Fault::broken, "The probe did not end.");
    boost::asio::co_spawn(loop, open_and_probe(*factory, clock, options), [&](std::exception_ptr thrown, Result<ProbeFinding> found) {
        if (!thrown) finding = std::move(found);
    });
    loop.run();
    if (!finding) return fail(finding.error());
    if (finding->driver.empty())
        return fail(Fault::unavailable,
                    options.listen_only ? "Nobody spoke."
                                        : "Nobody spoke or answered. Is it switched on, the cable in, and are these its line settings?");
    out << fmt::format("{} {}: driver = \"{}\". It said \"{}\".\n", finding->spoke_by_itself ? "Speaks by itself" : "Answers",
                       factory->name(), finding->driver, spectramax::printable(finding->said));
    if (finding->driver == "line")
        out << "The driver \"line\" takes any text with line ends; look whether the instrument has a driver of its own.\n";
    return {};
}

}  // namespace marrowlink
