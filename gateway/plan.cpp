#include "gateway/plan.hpp"

#include <fmt/format.h>

#include "drivers/astm/driver.hpp"
#include "drivers/biorad/driver.hpp"
#include "drivers/biotek/driver.hpp"
#include "drivers/folder/driver.hpp"
#include "drivers/hl7/driver.hpp"
#include "drivers/line/driver.hpp"
#include "drivers/modbus/driver.hpp"
#include "drivers/spectramax/driver.hpp"

namespace marrowlink {
namespace {
void plan_line(InstrumentPlan& plan, LineConfig const& config, PlanWorld const& world) {
    plan.journalled = config.acknowledgement.empty();
    plan.messages = true;
    plan.tried_on_hardware = true;  // nothing of any maker's protocol is assumed
    LineSettings settings;
    settings.instrument = plan.id;
    settings.terminator = config.terminator;
    settings.encoding = config.encoding;
    settings.key_field = config.key_field;
    settings.acknowledgement = config.acknowledgement;
    settings.bytes_max = config.bytes_max;
    plan.driver = [settings, &clock = world.clock](InstrumentPlan::Connection connection) mutable {
        settings.position = connection.position;
        return std::make_unique<LineDriver>(settings, *connection.transport, clock);
    };
}

void plan_astm(InstrumentPlan& plan, AstmConfig const& config, PlanWorld const& world) {
    plan.journalled = true;
    plan.messages = true;
    plan.tried_on_hardware = astm::AstmDriver::tried_on_hardware;
    astm::Options options;
    options.instrument = plan.id;
    options.encoding = config.encoding;
    auto const* const adapter = std::get_if<AdapterConfig>(&config.transport);
    options.answers = !adapter || !adapter->answers_astm;
    plan.driver = [options, &clock = world.clock](InstrumentPlan::Connection connection) {
        return std::make_unique<astm::AstmDriver>(options, *connection.transport, clock);
    };
}

void plan_hl7(InstrumentPlan& plan, Hl7Config const& config, PlanWorld const& world) {
    plan.journalled = true;
    plan.tried_on_hardware = hl7::Hl7Driver::tried_on_hardware;
    hl7::Options const options{plan.id, config.encoding};
    plan.driver = [options, &clock = world.clock](InstrumentPlan::Connection connection) {
        return std::make_unique<hl7::Hl7Driver>(options, *connection.transport, clock);
    };
}

void plan_biotek(InstrumentPlan& plan, BiotekConfig const& config, PlanWorld const& world) {
    plan.journalled = true;
    plan.tried_on_hardware = biotek::BiotekDriver::tried_on_hardware;
    biotek::Options options;
    options.instrument = plan.id;
    options.asks = config.asks;
    plan.driver = [options, &clock = world.clock](InstrumentPlan::Connection connection) mutable {
        options.position = connection.position;
        return std::make_unique<biotek::BiotekDriver>(options, *connection.transport, clock);
    };
}

void plan_biorad(InstrumentPlan& plan, BioradConfig const& config, PlanWorld const& world) {
    plan.commandable = !config.read.empty();
    plan.followed = true;
    plan.tried_on_hardware = biorad::BioradDriver::tried_on_hardware;
    biorad::Options options;
    options.instrument = plan.id;
    options.read = config.read;
    plan.driver = [options, &clock = world.clock](InstrumentPlan::Connection connection) mutable {
        options.open_run.reset();
        if (connection.open_run) options.open_run = biorad::OpenRun{connection.open_run->run, connection.open_run->plate};
        options.stored_sha256 = connection.last_transcript;
        return std::make_unique<biorad::BioradDriver>(options, *connection.transport, clock);
    };
}

void plan_spectramax(InstrumentPlan& plan, SpectramaxConfig const& config, PlanWorld const& world) {
    plan.commandable = true;
    plan.followed = true;
    plan.tried_on_hardware = spectramax::SpectraMax::tried_on_hardware;
    spectramax::Options options;
    options.instrument = plan.id;
    options.wavelengths_nm = {std::to_string(config.wavelength_nm)};
    options.command_timeout = config.command_timeout;
    options.poll_period = config.poll;
    plan.driver = [options, &clock = world.clock](InstrumentPlan::Connection connection) mutable {
        options.open_run.reset();
        if (connection.open_run) options.open_run = spectramax::OpenRun{connection.open_run->run, connection.open_run->plate};
        options.stored_sha256 = connection.last_transcript;
        return std::make_unique<spectramax::SpectraMax>(*connection.transport, clock, options);
    };
}

void plan_folder(InstrumentPlan& plan, FolderConfig const& config, PlanWorld const& world) {
    plan.port = config.path.string();
    plan.followed = true;
    plan.tried_on_hardware = true;  // the formats were seen in real files
    FolderOptions options;
    options.instrument = plan.id;
    options.settle = config.settle;
    options.poll = config.poll;
    auto const run_of_taken = [id = plan.id, ask = world.run_of_taken](std::string sha256) { return ask(id, std::move(sha256)); };
    plan.driver = [=, open = world.folder, worker = world.worker, &clock = world.clock](InstrumentPlan::Connection connection) mutable {
        options.open_run.reset();
        if (connection.open_run)
            options.open_run = RunIdentity{options.instrument, "folder", connection.open_run->run, connection.open_run->sourcekey};
        return std::make_unique<FolderDriver>(open(config), options, clock, worker, run_of_taken);
    };
}

void plan_modbus(InstrumentPlan& plan, ModbusConfig const& config, PlanWorld const& world) {
    auto const bus = world.modbus(config.bus);
    plan.port = fmt::format("{} unit {}", bus->name(), config.unit);
    plan.on_bus = true;
    plan.followed = true;
    plan.tried_on_hardware = config.map.tried_on_hardware;
    modbus::Options const options{plan.id, config.unit, config.response_timeout};
    plan.driver = [=, map = config.map, recorded = std::make_shared<modbus::Recorded>(), &clock = world.clock](InstrumentPlan::Connection) {
        return std::make_unique<modbus::ModbusDriver>(map, options, bus, recorded, clock);
    };
}
}  // namespace

InstrumentLine line_of(InstrumentConfig const& instrument) {
    auto const* const line = std::get_if<LineConfig>(&instrument.driver);
    return {*transport_of(instrument), instrument.id, line ? line->terminator : ""};
}

InstrumentPlan plan_for(InstrumentConfig const& config, PlanWorld const& world) {
    InstrumentPlan plan;
    plan.id = config.id;
    plan.driver_name = config.driver_name();
    if (transport_of(config)) {
        plan.transport = world.transport(line_of(config));
        plan.port = plan.transport->name();
    }
    if (auto const* const line = std::get_if<LineConfig>(&config.driver))
        plan_line(plan, *line, world);
    else if (auto const* const reader = std::get_if<SpectramaxConfig>(&config.driver))
        plan_spectramax(plan, *reader, world);
    else if (auto const* const astm = std::get_if<AstmConfig>(&config.driver))
        plan_astm(plan, *astm, world);
    else if (auto const* const hl7 = std::get_if<Hl7Config>(&config.driver))
        plan_hl7(plan, *hl7, world);
    else if (auto const* const biotek = std::get_if<BiotekConfig>(&config.driver))
        plan_biotek(plan, *biotek, world);
    else if (auto const* const biorad = std::get_if<BioradConfig>(&config.driver))
        plan_biorad(plan, *biorad, world);
    else if (auto const* const modbus = std::get_if<ModbusConfig>(&config.driver))
        plan_modbus(plan, *modbus, world);
    else
        plan_folder(plan, std::get<FolderConfig>(config.driver), world);
    return plan;
}

}  // namespace marrowlink
