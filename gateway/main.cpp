// marrowlink-gateway: from the instruments to the broker.
#include <unistd.h>

#include <iostream>
#include <map>

#include "drivers/instruments.hpp"
#include "gateway/command.hpp"
#include "gateway/command_adapter.hpp"
#include "gateway/command_setup.hpp"
#include "gateway/config.hpp"
#include "gateway/read.hpp"
#include "gateway/registers.hpp"
#include "gateway/rehearsal_text.hpp"
#include "gateway/service.hpp"
#include "gateway/simulate.hpp"
#include "gateway/verify.hpp"
#include "io/command_line.hpp"

namespace {
using namespace marrowlink;

Result<void> check(std::filesystem::path const& file) {
    auto const config = read_config(file);
    if (!config) return fail(config.error());
    for (std::string const& warning : config->warnings) std::cerr << warning << '\n';
    std::cout << file.string() << " is good: gateway " << config->site << '/' << config->gateway << ", " << config->instruments.size()
              << " instruments.\n";
    return {};
}
}  // namespace

int main(int argc, char** argv) {
    CommandLine line{"marrowlink-gateway", "Moves results from laboratory instruments to central analysis, each once and unchanged."};
    std::filesystem::path config_file = "/etc/marrowlink/gateway.toml";
    auto const with_config = [&](CLI::App* command) {
        command->add_option("-c,--config", config_file, "the configuration; conf.d/*.toml beside it is read too")->capture_default_str();
        return command;
    };

    with_config(line.add("run", "run in the foreground until SIGTERM; SIGHUP reads the configuration again",
                         [&] { return run_service(config_file); }));

    line.add("check", "read the configuration and name every mistake with its line", [&] { return check(config_file); })
        ->add_option("file", config_file, "the configuration")
        ->capture_default_str();

    std::string instrument;
    std::string plate;
    CLI::App* const start = with_config(line.add("start", "begin a run on an instrument of the running gateway",
                                                 [&] { return ask_to_start(config_file, instrument, plate); }));
    start->add_option("instrument", instrument, "its id in the configuration")->required();
    start->add_option("--plate", plate, "the plate's barcode or name")->required();

    double minutes = 10;
    CLI::App* const rehearse = with_config(line.add("rehearse", "cut the link to the centre for some minutes, restore it, and report",
                                                    [&] { return rehearse_outage(config_file, minutes); }));
    rehearse->add_option("--minutes", minutes, "how long, from 0.1 to 60")->capture_default_str();
    rehearse->footer(std::string{why_a_rehearsal_is_safe});

    bool as_json = false;
    with_config(line.add("status", "what the running gateway sees: instruments, link, backlog, alarms", [&] {
        return print_status(config_file, as_json);
    }))->add_flag("--json", as_json, "everything, as the page gets it");

    CLI::App* const registers =
        with_config(line.add("registers", "a Modbus instrument's registers in every word order and type, beside its values",
                             [&] { return print_registers(config_file, instrument, as_json); }));
    registers->add_option("instrument", instrument, "its id in the configuration")->required();
    registers->add_flag("--json", as_json, "as the running gateway answers it");

    add_adapter_commands(*line.app().add_subcommand("adapter", "the adapters on instruments' ports: how they are, whose, what they keep"),
                         config_file, line.exit_status());

    bool as_page = false;
    line.add("instruments", "which instruments and files are known: what is read, what is refused, how sure we are",
             [&]() -> Result<void> {
                 std::cout << (as_page ? instruments_page() : instruments_text());
                 return {};
             })
        ->add_flag("--markdown", as_page, "as docs/instruments.md");

    std::vector<std::filesystem::path> files;
    std::string format = "csv";
    std::map<std::string, ReadFormat> const formats{{"csv", ReadFormat::csv}, {"json", ReadFormat::json}, {"asm", ReadFormat::allotrope}};
    ReadOptions reading;
    CLI::App* const read = line.add("read", "parse instrument files and print their readings", [&] {
        reading.progress = ::isatty(STDOUT_FILENO) == 0;
        reading.format = formats.at(format);
        return read_files(files, reading, std::cout, std::cerr);
    });
    read->add_option("files", files, "plate-reader exports and FCS files; a folder: all in it; -: standard input")->required();
    read->add_option("--format", format, "csv, json, or asm: the Allotrope Simple Model of plate readers, a document a file")
        ->check(CLI::IsMember(formats))
        ->capture_default_str();
    read->add_option("--measured", reading.measured,
                     "for asm: when the plates were measured, with the time zone's offset, such as 2026-03-04T14:05:09+01:00");
    read->add_flag("--events", reading.events, "cytometry: every event as CSV");

    CLI::App* const simulate = line.app().add_subcommand("simulate", "play an instrument that is not there");
    simulate->require_subcommand(1);
    add_simulators(*simulate, line.exit_status());

    add_setup_commands(line.app(), line.exit_status());

    std::filesystem::path outbox;
    line.add("verify", "prove from the stored bytes which records are missing, doubled or altered",
             [&] { return verify_and_print(outbox, std::cout); })
        ->add_option("outbox", outbox, "an outbox directory or file")
        ->required();

    return line.run(argc, argv);
}
