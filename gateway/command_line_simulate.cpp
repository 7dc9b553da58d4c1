// The command line of `simulate`.
#include <fmt/format.h>

#include <cstdint>
#include <iostream>
#include <map>
#include <memory>

#include "core/settings.hpp"
#include "drivers/example_export.hpp"
#include "gateway/simulate.hpp"
#include "io/command_line.hpp"

namespace marrowlink {
namespace {
constexpr std::uint64_t repeating_replies = 20;  // of a SpectraMax: one in so many, or no two transfers in a row were ever clean
constexpr std::uint64_t silent_commands = 60;    // of a SpectraMax, after which it is mute: some polls and a plate

std::chrono::milliseconds milliseconds_of(double seconds) { return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)}; }

void add_variant(CLI::App& command, SimulatedVariant& variant) {
    static std::map<std::string, SimulatedVariant> const names{simulated_variants.begin(), simulated_variants.end()};
    command
        .add_option_function<std::string>(
            "--variant", [&variant](std::string const& name) { variant = names.at(name); },
            "normal, slow, damaged, silent or repeating; the options below say it more exactly")
        ->check(CLI::IsMember(names));
}

void add_modbus(CLI::App& simulate, int& exit_status) {
    struct Given {
        SimulateModbusOptions options;
        SimulatedVariant variant = SimulatedVariant::normal;
        double sample_seconds = 60, late_seconds = 0;
    };
    auto const given = std::make_shared<Given>();
    CLI::App* const device = simulate.add_subcommand("modbus", "a Modbus device over TCP");
    device->add_option("--device", given->options.device.device, "which one")
        ->check(CLI::IsMember({"hettich", "julabo", "minicapt"}))
        ->capture_default_str();
    device->add_option("--listen", given->options.listen, "the address")->capture_default_str();
    device->add_option("--port", given->options.port, "0: any free one")->capture_default_str();
    device->add_option("--seed", given->options.device.seed, "the same seed plays the same values")->capture_default_str();
    device->add_option("--sample-seconds", given->sample_seconds, "time between two samples of a MiniCapt")
        ->check(CLI::Range(0.1, 86400.0))
        ->capture_default_str();
    add_variant(*device, given->variant);
    modbus::AnswerFaults& faults = given->options.device.faults;
    device->add_option("--late-seconds", given->late_seconds, "each answer comes so much later")
        ->check(CLI::Range(0.0, 60.0))
        ->capture_default_str();
    device->add_option("--garble", faults.garble_every, "garble about one answer in so many; 0: none")->capture_default_str();
    device->add_option("--repeat", faults.repeat_every, "send about one answer in so many twice; 0: none")->capture_default_str();
    device->add_option("--silent", faults.silent_after, "fall silent after so many questions; 0: never")->capture_default_str();
    device->footer("SIGUSR1: a MiniCapt takes a sample now. SIGTERM ends it.");
    on_command(*device, exit_status, [given] {
        given->options.device.sample_period = milliseconds_of(given->sample_seconds);
        modbus::AnswerFaults& told = given->options.device.faults;
        modbus::AnswerFaults const usual = modbus::faults_of(given->variant);
        told.late = given->late_seconds > 0 ? milliseconds_of(given->late_seconds) : usual.late;
        if (told.garble_every == 0) told.garble_every = usual.garble_every;
        if (told.repeat_every == 0) told.repeat_every = usual.repeat_every;
        if (told.silent_after == 0) told.silent_after = usual.silent_after;
        return run_simulate_modbus(given->options);
    });
}

void add_line(CLI::App& simulate, int& exit_status, LineSimulatorEntry const& entry) {
    struct Given {
        SimulateLineOptions options;
        std::string connect, listen;
        double period_seconds = 60;
        SimulatedVariant variant = SimulatedVariant::normal;
    };
    auto const given = std::make_shared<Given>();
    given->options.device = entry.name;
    LineFaults& faults = given->options.simulator.faults;
    CLI::App* const one = simulate.add_subcommand(std::string{entry.name}, std::string{entry.title});
    one->add_option("--link", given->options.link, "make this name point to its serial port, or");
    one->add_option("--connect", given->connect, "connect to this \"host:port\", or");
    one->add_option("--listen", given->listen, "listen at this \"address:port\"");
    one->add_option("--log", given->options.log, "its own log: what it measured and what was taken from it (JSON lines)");
    one->add_option("--instrument", given->options.instrument, "its name in the log")->capture_default_str();
    one->add_option("--seed", given->options.simulator.seed, "the same seed plays the same results")->capture_default_str();
    one->add_option("--period-seconds", given->period_seconds, "from one result to the next; 0: only at SIGUSR1")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    add_variant(*one, given->variant);
    one->add_option("--slow", faults.bytes_per_second, "bytes a second on the line (960 is 9600 baud); 0: at once")->capture_default_str();
    one->add_option("--damage", faults.damage_every, "damage about one byte in so many; 0: none")->capture_default_str();
    one->add_option("--silent", faults.silent_after, "fall silent after so many results; 0: never")->capture_default_str();
    one->add_option("--repeat", faults.repeat_every, "send about one result in so many again; 0: none")->capture_default_str();
    one->add_option("--break-off", faults.break_off_every, "break off about one result in so many and send it anew; 0: none")
        ->capture_default_str();
    one->footer("SIGUSR1: it measures now. SIGTERM ends it.");
    on_command(*one, exit_status, [given]() -> Result<void> {
        given->options.simulator.period = milliseconds_of(given->period_seconds);
        LineFaults& told = given->options.simulator.faults;
        LineFaults const usual = faults_of(given->variant);
        if (told.bytes_per_second == 0) told.bytes_per_second = usual.bytes_per_second;
        if (told.damage_every == 0) told.damage_every = usual.damage_every;
        if (told.silent_after == 0) told.silent_after = usual.silent_after;
        if (told.repeat_every == 0) told.repeat_every = usual.repeat_every;
        given->options.listens = !given->listen.empty();
        std::string const& place = given->options.listens ? given->listen : given->connect;
        auto const address = settings::parse_host_port(place);
        if (address) {
            given->options.host = address->host;
            given->options.port = address->port;
        }
        if (!place.empty() && !address) return fail(Fault::usage, fmt::format("\"{}\" is no \"host:port\".", place));
        return run_simulate_line(given->options);
    });
}
void add_folder(CLI::App& simulate, int& exit_status) {
    struct Given {
        SimulateFolderOptions options;
        double period_seconds = 60, write_seconds = 5;
    };
    auto const given = std::make_shared<Given>();
    SimulateFolderOptions& options = given->options;
    CLI::App* const folder = simulate.add_subcommand("folder", "software that writes export files into a folder, each of them slowly");
    folder->add_option("format", options.format, fmt::format("{}; or \"sample\", with --sample", fmt::join(example_formats(), ", ")))
        ->required();
    folder->add_option("folder", options.folder, "where; it is made when it is not there")->required();
    folder->add_option("--sample", options.sample, "a file of your own that is written as it is, for all other formats");
    folder->add_option("--files", options.files, "so many, then it ends; 0: on and on")->capture_default_str();
    folder->add_option("--seed", options.seed, "the same seed writes the same files")->capture_default_str();
    folder->add_option("--period-seconds", given->period_seconds, "from one file to the next")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    folder->add_option("--write-seconds", given->write_seconds, "how long a file grows")
        ->check(CLI::Range(0.0, 3600.0))
        ->capture_default_str();
    add_variant(*folder, options.variant);
    folder->footer("The plates are named SIM-0001 and on; no file is written to that is there already. SIGTERM ends it.");
    on_command(*folder, exit_status, [given] {
        given->options.period = milliseconds_of(given->period_seconds);
        given->options.writing = milliseconds_of(given->write_seconds);
        return run_simulate_folder(given->options);
    });
}

void add_spectramax(CLI::App& simulate, int& exit_status) {
    struct Given {
        SimulateOptions options;
        SimulatedVariant variant = SimulatedVariant::normal;
        double read_seconds = 10;
        double silent_seconds = 0;
        double unplugged_seconds = 5;
    };
    auto const given = std::make_shared<Given>();
    SimulateOptions& options = given->options;
    CLI::App* const reader = simulate.add_subcommand("spectramax", "a SpectraMax plate reader on a pseudo-terminal");
    reader->add_option("--link", options.link, "make this name point to the port")->required();
    reader->add_option("--log", options.log, "the reader's own log: what it measured, and when it was cleared (JSON lines)");
    reader->add_option("--instrument", options.instrument, "its name in the log")->capture_default_str();
    reader->add_option("--seed", options.spectramax.seed, "the same seed plays the same plates")->capture_default_str();
    reader->add_option("--wells", options.spectramax.wells, "96 or 384")->check(CLI::IsMember({96, 384}))->capture_default_str();
    reader->add_option("--read-seconds", given->read_seconds, "how long a read takes")
        ->check(CLI::Range(0.0, 3600.0))
        ->capture_default_str();
    add_variant(*reader, given->variant);
    reader->add_option("--slow", options.spectramax.bytes_per_second, "bytes a second on the line (960 is 9600 baud); 0: at once")
        ->capture_default_str();
    reader->add_option("--damage", options.spectramax.damage_every, "damage about one byte in so many; 0: none")->capture_default_str();
    reader->add_option("--silent", options.spectramax.silent_after_commands, "fall silent after so many commands; 0: never")
        ->capture_default_str();
    reader->add_option("--silent-seconds", given->silent_seconds, "for so long; 0: for ever")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    reader->add_option("--repeat", options.spectramax.repeat_every, "send about one reply in so many twice; 0: none")
        ->capture_default_str();
    reader->add_option("--unplug", options.spectramax.unplug_after_bytes, "pull the cable after so many bytes sent; 0: never")
        ->capture_default_str();
    reader->add_option("--unplugged-seconds", given->unplugged_seconds, "and put it back after so long")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    reader->footer("SIGUSR1: somebody starts a read at the reader's own panel. SIGTERM ends it.");
    on_command(*reader, exit_status, [given] {
        given->options.spectramax.read_duration = milliseconds_of(given->read_seconds);
        spectramax::SimulatorOptions& told = given->options.spectramax;
        LineFaults const usual = faults_of(given->variant);
        if (told.bytes_per_second == 0) told.bytes_per_second = usual.bytes_per_second;
        if (told.damage_every == 0) told.damage_every = usual.damage_every;
        if (told.repeat_every == 0 && usual.repeat_every != 0) told.repeat_every = repeating_replies;
        if (told.silent_after_commands == 0 && usual.silent_after != 0) told.silent_after_commands = silent_commands;
        if (given->silent_seconds > 0) given->options.spectramax.silent_for = milliseconds_of(given->silent_seconds);
        given->options.unplugged_for = milliseconds_of(given->unplugged_seconds);
        return run_simulate(given->options);
    });
}
}  // namespace

void add_simulators(CLI::App& simulate, int& exit_status) {
    add_modbus(simulate, exit_status);
    for (LineSimulatorEntry const& entry : line_simulators()) add_line(simulate, exit_status, entry);
    add_folder(simulate, exit_status);
    add_spectramax(simulate, exit_status);
}

}  // namespace marrowlink
