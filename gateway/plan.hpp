// From an instrument's configuration to its transport and driver. A new driver is one more function here; what touches the world comes from
// the PlanWorld.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/folder.hpp"
#include "core/modbus.hpp"
#include "gateway/config.hpp"
#include "gateway/instrument.hpp"

namespace marrowlink {

// The line of one instrument.
struct InstrumentLine {
    TransportConfig const& config;
    std::string instrument;  // id
    std::string terminator;  // of its messages; empty: not known before the driver speaks to it
};

// Of an instrument that transport_of() knows a way to.
InstrumentLine line_of(InstrumentConfig const& instrument);

struct PlanWorld {
    boost::asio::any_io_executor worker;  // reads and parses export files
    Clock& clock;
    // Under which run these bytes of this instrument were taken; empty: not yet.
    std::function<Task<Result<std::string>>(std::string instrument, std::string sha256)> run_of_taken;
    std::function<std::unique_ptr<TransportFactory>(InstrumentLine const&)> transport;
    std::function<std::shared_ptr<Folder>(FolderConfig const&)> folder;
    std::function<std::shared_ptr<ModbusMaster>(ModbusPlace const&)> modbus = nullptr;  // one for each place, however many are on it
};

InstrumentPlan plan_for(InstrumentConfig const& config, PlanWorld const& world);

}  // namespace marrowlink
