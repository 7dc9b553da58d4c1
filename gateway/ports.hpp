// The serial ports, network addresses, Modbus buses and folders that a configuration names, on this machine.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <map>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/folder.hpp"
#include "core/transport.hpp"
#include "gateway/config.hpp"
#include "gateway/plan.hpp"
#include "io/adapter.hpp"
#include "io/modbus.hpp"
#include "io/serial.hpp"

namespace marrowlink {

// The Modbus buses in use. One port has one bus, shared by all instruments on it; it closes with the last of them.
class ModbusBuses {
 public:
    ModbusBuses(boost::asio::any_io_executor loop, Clock const& clock) : loop_(std::move(loop)), clock_(clock) {}
    std::shared_ptr<ModbusMaster> at(ModbusPlace const& place);

 private:
    boost::asio::any_io_executor loop_;
    Clock const& clock_;
    std::map<std::string, std::weak_ptr<ModbusBus>> buses_;  // by their descriptions
};

// The adapter that keeps for this instrument of this gateway.
AdapterPlace adapter_place(InstrumentLine const& line, std::string const& site, std::string const& gateway);

// What an instrument is reached through.
struct PortsWorld {
    boost::asio::any_io_executor loop;
    Clock& clock;
    Entropy& entropy;
    ModbusBuses& buses;
    std::string site, gateway;
};
std::unique_ptr<TransportFactory> transport_of(InstrumentLine const& line, PortsWorld const& world);

std::shared_ptr<Folder> folder_of(FolderConfig const& config, Clock& clock, boost::asio::any_io_executor loop);

}  // namespace marrowlink
