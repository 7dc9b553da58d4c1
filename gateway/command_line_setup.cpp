// The command lines of what a site sets up with.
#include <functional>
#include <iostream>
#include <memory>

#include "gateway/capture.hpp"
#include "gateway/command_setup.hpp"
#include "gateway/probe.hpp"
#include "gateway/replay.hpp"
#include "gateway/serial_ports_text.hpp"
#include "io/command_line.hpp"

namespace marrowlink {
namespace {
CLI::App* add(CLI::App& program, int& exit_status, std::string name, std::string description, std::function<Result<void>()> work) {
    CLI::App* const command = program.add_subcommand(std::move(name), std::move(description));
    on_command(*command, exit_status, std::move(work));
    return command;
}

void add_ports(CLI::App& program, int& exit_status) {
    struct Given {
        std::string format = "text";
        SerialTree tree;
    };
    auto const given = std::make_shared<Given>();
    CLI::App* const ports =
        add(program, exit_status, "ports", "which serial ports there are, and the names that stay with them", [given]() -> Result<void> {
            auto const found = serial_ports(given->tree);
            if (!found) return fail(found.error());
            std::cout << (given->format == "json" ? serial_ports_json(*found) : serial_ports_text(*found));
            return {};
        });
    ports->add_option("--format", given->format, "text or json")->check(CLI::IsMember({"text", "json"}))->capture_default_str();
    ports->add_option("--sysfs", given->tree.sys, "where the kernel tells of its devices")->capture_default_str();
    ports->add_option("--dev", given->tree.dev, "where the devices are")->capture_default_str();
}

// Of a serial port, as `[[instrument]]` has them.
void add_serial_options(CLI::App& command, SerialSettings& serial) {
    static std::map<std::string, Parity> const parities{{"none", Parity::none}, {"even", Parity::even}, {"odd", Parity::odd}};
    static std::map<std::string, FlowControl> const flows{
        {"none", FlowControl::none}, {"hardware", FlowControl::hardware}, {"software", FlowControl::software}};
    command.add_option("--baud", serial.baud, "of a serial port")->check(CLI::Range(50, 4'000'000))->capture_default_str();
    command.add_option("--data-bits", serial.data_bits, "7 or 8")->check(CLI::IsMember({7, 8}))->capture_default_str();
    command
        .add_option_function<std::string>(
            "--parity", [&serial](std::string const& name) { serial.parity = parities.at(name); }, "none, even or odd")
        ->check(CLI::IsMember(parities));
    command.add_option("--stop-bits", serial.stop_bits, "1 or 2")->check(CLI::IsMember({1, 2}))->capture_default_str();
    command
        .add_option_function<std::string>(
            "--flow-control", [&serial](std::string const& name) { serial.flow = flows.at(name); }, "none, hardware or software")
        ->check(CLI::IsMember(flows));
}

// What `port` names: a path, or "host:port".
Result<std::optional<settings::HostPort>> address_of(std::string const& port) {
    if (port.find('/') != std::string::npos) return std::optional<settings::HostPort>{};
    auto const address = settings::parse_host_port(port);
    if (!address) return fail(Fault::usage, "\"" + port + "\" is neither the path of a serial port nor \"host:port\".");
    return address;
}

void add_capture(CLI::App& program, int& exit_status) {
    struct Given {
        CaptureOptions options;
        std::string port;
    };
    auto const given = std::make_shared<Given>();
    CLI::App* const capture =
        add(program, exit_status, "capture", "record what an instrument says, with its times, into a text file", [given] {
            auto const address = address_of(given->port);
            if (!address) return Result<void>{fail(address.error())};
            given->options.to = *address;
            given->options.serial.path = given->port;
            return capture_line_of(given->options);
        });
    capture->add_option("port", given->port, "a serial port (`ports` lists them), or \"host:port\" to connect to")->required();
    capture->add_option("out", given->options.out, "the file; it must not be there yet")->required();
    capture->add_option("--link", given->options.link,
                        "stand between: make this name a port, hand on both ways between it and the instrument, and record both");
    add_serial_options(*capture, given->options.serial);
    capture->footer(
        "Without --link it only listens: an instrument that waits for an answer says little then.\n"
        "The file may hold names of people, as the instrument says them. Its form: docs/captures.md. SIGINT or SIGTERM ends it.");
}

void add_probe(CLI::App& program, int& exit_status) {
    struct Given {
        ProbePort port;
        ProbeOptions options;
        std::string name;
        unsigned listen_seconds = 30;
    };
    auto const given = std::make_shared<Given>();
    CLI::App* const probe =
        add(program, exit_status, "probe", "which known instrument is on a port; one that speaks is asked nothing", [given] {
            auto const address = address_of(given->name);
            if (!address) return Result<void>{fail(address.error())};
            given->port.to = *address;
            given->port.serial.path = given->name;
            given->options.listen = std::chrono::seconds{given->listen_seconds};
            return probe_port(given->port, given->options, std::cout);
        });
    probe->add_option("port", given->name, "a serial port (`ports` lists them), or \"host:port\" to connect to")->required();
    probe->add_option("--listen-seconds", given->listen_seconds, "of silence before anything is asked")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    probe->add_option("--ask", given->options.asks, "which are asked, in this order; none: --listen-only")
        ->check(CLI::IsMember(probe_asks()))
        ->capture_default_str();
    probe->add_flag("--listen-only", given->options.listen_only, "nothing is asked");
    add_serial_options(*probe, given->port.serial);
    probe->footer(
        "Only what names itself and changes nothing is asked: of a BioTek reader its version, of a SpectraMax an empty command.\n"
        "A reader that measures may be silent for minutes: do not probe one that may be measuring. biorad is asked only when it is named,\n"
        "as the letters of its command are commands to a BioTek reader.");
}

void add_replay(CLI::App& program, int& exit_status) {
    struct Given {
        ReplayOptions options;
        std::filesystem::path file;
        std::string format = "csv";
        bool at_once = false;
    };
    auto const given = std::make_shared<Given>();
    CLI::App* const replay =
        add(program, exit_status, "replay", "what the gateway's driver makes of a capture; nothing is stored", [given] {
            given->options.format = given->format == "json" ? ReadFormat::json : ReadFormat::csv;
            if (given->at_once) given->options.pace = CaptureTransport::Pace::at_once;
            return replay_capture(given->file, given->options, std::cout, std::cerr);
        });
    replay->add_option("capture", given->file, "a file that `capture` wrote")->required();
    replay->add_option("--driver", given->options.driver, "as in a configuration")->required()->check(CLI::IsMember(replayed_drivers()));
    replay->add_option("--format", given->format, "csv or json")->check(CLI::IsMember({"csv", "json"}))->capture_default_str();
    replay->add_flag("--at-once", given->at_once, "without the pauses of the capture; in either case none is waited for");
    replay->add_option("--plate", given->options.plate, "a read was started by the gateway: it is again, on this plate");
    replay->add_option("--read", given->options.read, "of biorad: `read` of its configuration");
    replay->add_option("--terminator", given->options.terminator, "of line: what ends a message; a line feed unless given");
}
}  // namespace

void add_setup_commands(CLI::App& program, int& exit_status) {
    add_ports(program, exit_status);
    add_capture(program, exit_status);
    add_replay(program, exit_status);
    add_probe(program, exit_status);
}

}  // namespace marrowlink
