#include "gateway/ports.hpp"

#include "io/folder.hpp"
#include "io/serial.hpp"
#include "io/tcp.hpp"

namespace marrowlink {

std::unique_ptr<TransportFactory> transport_of(TransportConfig const& config, boost::asio::any_io_executor loop) {
    if (auto const* const serial = std::get_if<SerialConfig>(&config)) {
        SerialSettings const settings{serial->port,   static_cast<std::uint32_t>(serial->baud), static_cast<unsigned>(serial->data_bits),
                                      serial->parity, static_cast<unsigned>(serial->stop_bits), serial->flow_control};
        return std::make_unique<SerialPortFactory>(std::move(loop), settings);
    }
    if (auto const* const connect = std::get_if<TcpConnectConfig>(&config))
        return std::make_unique<TcpClientFactory>(std::move(loop), connect->to.host, connect->to.port);
    HostPort const& on = std::get<TcpListenConfig>(config).on;
    return std::make_unique<TcpListenerFactory>(std::move(loop), on.host, on.port);
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
