// Instruments that are not there, for demonstrations, tests and learning: `marrowlink-gateway simulate …`.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "drivers/modbus/simulator.hpp"
#include "drivers/simulated_line.hpp"
#include "drivers/spectramax/simulator.hpp"

namespace CLI {
class App;
}

namespace marrowlink {

struct SimulateOptions {
    std::filesystem::path link;  // made to point to the pseudo-terminal: what the gateway's configuration names as the port
    // The reader's own log, one JSON object a line, on disk before any byte that depends on it leaves: {"event", "instrument", "plate_no",
    // "sha256", "size"}, with event "started", "measured" or "cleared", and the SHA-256 of the reply to !TRANSFER. Empty: none.
    std::filesystem::path log;
    std::string instrument = "reader-1";             // as the log calls it
    std::chrono::milliseconds unplugged_for{5'000};  // how long the cable stays out when spectramax.unplug_after_bytes pulls it
    spectramax::SimulatorOptions spectramax;
};

// Plays the reader until SIGTERM or SIGINT, whoever opens and closes the other end. SIGUSR1: somebody starts a read at the reader's own
// panel.
Result<void> run_simulate(SimulateOptions const& options);

struct SimulateModbusOptions {
    std::string listen = "127.0.0.1";
    std::uint16_t port = 1502;  // 0: any free one, which is told
    modbus::SimulatorOptions device;
};

// Plays a Modbus device over TCP until SIGTERM or SIGINT, to one client at a time; the newest wins. SIGUSR1: a MiniCapt takes a sample now.
Result<void> run_simulate_modbus(SimulateModbusOptions const& options);

// Of instruments that speak by themselves, by their drivers' names.
struct LineSimulatorEntry {
    std::string_view name, title;
    std::unique_ptr<SimulatedInstrument> (*make)(SimulatorOptions const& options, Clock::Instant now);
};
std::span<LineSimulatorEntry const> line_simulators();

struct SimulateLineOptions {
    std::string device;          // one of line_simulators()
    std::filesystem::path link;  // of a pseudo-terminal; or, over TCP:
    std::string host;
    std::uint16_t port = 0;
    bool listens = false;       // at host and port, or connects to them
    std::filesystem::path log;  // as above: {"event", "instrument", "key", "sha256", "size"}, event "measured", "delivered" or "given up"
    std::string instrument = "analyser-1";
    SimulatorOptions simulator;
};

// Plays an instrument that speaks by itself until SIGTERM or SIGINT, whoever opens and closes the other end. SIGUSR1: it measures now.
Result<void> run_simulate_line(SimulateLineOptions const& options);

struct SimulateFolderOptions {
    std::string format;            // one of example_formats(); or
    std::filesystem::path sample;  // a file that is written again and again as it is, under other names
    std::filesystem::path folder;  // made when it is not there
    SimulatedVariant variant = SimulatedVariant::normal;
    std::uint64_t seed = 1;
    std::uint64_t files = 0;                   // 0: until SIGTERM or SIGINT
    std::chrono::milliseconds period{60'000};  // from the beginning of one file to that of the next
    std::chrono::milliseconds writing{5'000};  // so long a file grows; four times as long when slow
};

// Writes export files as an instrument's software does: each grows under its own name. damaged: one in two never gets its last third.
// silent: none after three. repeating: one in two comes a second time under another name. A name that is taken is not written to: numbers
// go on behind those that are there.
Result<void> run_simulate_folder(SimulateFolderOptions const& options);

// The subcommands of `simulate`, with their options; each leaves its exit code in `exit_status`.
void add_simulators(CLI::App& simulate, int& exit_status);

}  // namespace marrowlink
