#include "gateway/ports.hpp"

#include <fmt/format.h>

#include "io/adapter_transport.hpp"
#include "io/folder.hpp"
#include "io/serial.hpp"
#include "io/tcp.hpp"

namespace marrowlink {

AdapterPlace adapter_place(InstrumentLine const& line, std::string const& site, std::string const& gateway) {
    auto const& adapter = std::get<AdapterConfig>(line.config);
    AdapterPlace place;
    place.unit = adapter.unit;
    place.response_timeout = adapter.response_timeout;
    place.poll = adapter.poll;
    place.owner = fmt::format("{}/{}/{}", site, gateway, line.instrument);
    place.instrument = line.instrument;
    place.settings = adapter_settings(serial_settings(adapter.line), line.terminator, adapter.answers_astm)
                         .value();  // as the configuration has been checked
    return place;
}

std::unique_ptr<TransportFactory> transport_of(InstrumentLine const& line, PortsWorld const& world) {
    if (auto const* const serial = std::get_if<SerialConfig>(&line.config))
        return std::make_unique<SerialPortFactory>(world.loop, serial_settings(*serial));
    if (auto const* const connect = std::get_if<TcpConnectConfig>(&line.config))
        return std::make_unique<TcpClientFactory>(world.loop, connect->to.host, connect->to.port);
    if (auto const* const listen = std::get_if<TcpListenConfig>(&line.config))
        return std::make_unique<TcpListenerFactory>(world.loop, listen->on.host, listen->on.port);
    return std::make_unique<AdapterLine>(world.buses.at(std::get<AdapterConfig>(line.config).bus),
                                         adapter_place(line, world.site, world.gateway), world.clock, world.entropy);
}

std::shared_ptr<ModbusMaster> ModbusBuses::at(ModbusPlace const& place) {
    auto& known = buses_[describe(place)];
    auto bus = known.lock();
    if (!bus) known = bus = std::make_shared<ModbusBus>(loop_, clock_, place);
    return bus;
}

std::shared_ptr<Folder> folder_of(FolderConfig const& config, Clock& clock, boost::asio::any_io_executor loop) {
    FileFolderOptions place;
    place.path = config.path;
    place.pattern = config.pattern;
    place.originals = config.on_taken == WhenTaken::move      ? Originals::move
                      : config.on_taken == WhenTaken::delete_ ? Originals::remove
                                                              : Originals::stay;
    place.move_to = config.move_to;
    return std::make_shared<FileFolder>(place, clock, std::move(loop));
}

}  // namespace marrowlink
