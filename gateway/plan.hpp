// From an instrument's configuration to its transport and driver in the real world. A new driver is one more function here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>

#include "core/clock.hpp"
#include "gateway/config.hpp"
#include "gateway/instrument.hpp"

namespace marrowlink {

struct PlanWorld {
    boost::asio::any_io_executor loop;
    boost::asio::any_io_executor worker;  // reads and parses export files
    Clock& clock;
    // Under which run these bytes of this instrument were taken; empty: not yet.
    std::function<Task<Result<std::string>>(std::string instrument, std::string sha256)> run_of_taken;
};

InstrumentPlan plan_for(InstrumentConfig const& config, PlanWorld const& world);

}  // namespace marrowlink
