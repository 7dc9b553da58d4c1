// marrowlink-gateway: from the instruments to the broker. Exit codes: 0, 64 usage, 65 data refused, 69 unavailable, 70 broken invariant, 78
// configuration.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "core/log.hpp"
#include "core/version.hpp"
#include "gateway/command.hpp"
#include "gateway/config.hpp"
#include "gateway/read.hpp"
#include "gateway/service.hpp"
#include "gateway/simulate.hpp"
#include "gateway/verify.hpp"

namespace {
using namespace marrowlink;

int report(Result<void> const& result) {
    if (result) return 0;
    std::cerr << result.error().message << '\n';
    return exit_code(result.error().fault);
}

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
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{"Moves results from laboratory instruments to central analysis, each once and unchanged.", "marrowlink-gateway"};
    app.set_version_flag("--version", std::string{"marrowlink-gateway "} + std::string{version});
    app.require_subcommand(1);
    app.footer("Exit codes: 0 done, 64 usage, 65 data refused or differing, 69 unavailable, 70 broken invariant, 78 configuration.");

    std::filesystem::path config_file = "/etc/marrowlink/gateway.toml";
    auto const with_config = [&](CLI::App* command) {
        command->add_option("-c,--config", config_file, "the configuration; conf.d/*.toml beside it is read too")->capture_default_str();
    };
    int exit_status = 0;

    CLI::App* const run = app.add_subcommand("run", "run in the foreground until SIGTERM; SIGHUP reads the configuration again");
    with_config(run);
    run->callback([&] { exit_status = report(run_service(config_file)); });

    CLI::App* const checking = app.add_subcommand("check", "read the configuration and name every mistake with its line");
    checking->add_option("file", config_file, "the configuration")->capture_default_str();
    checking->callback([&] { exit_status = report(check(config_file)); });

    std::string instrument;
    std::string plate;
    CLI::App* const start = app.add_subcommand("start", "begin a run on an instrument of the running gateway");
    with_config(start);
    start->add_option("instrument", instrument, "its id in the configuration")->required();
    start->add_option("--plate", plate, "the plate's barcode or name")->required();
    start->callback([&] { exit_status = report(ask_to_start(config_file, instrument, plate)); });

    bool as_json = false;
    CLI::App* const status = app.add_subcommand("status", "what the running gateway sees: instruments, link, backlog, alarms");
    with_config(status);
    status->add_flag("--json", as_json, "everything, as the page gets it");
    status->callback([&] { exit_status = report(print_status(config_file, as_json)); });

    std::vector<std::filesystem::path> files;
    std::string format = "csv";
    ReadOptions reading;
    CLI::App* const read = app.add_subcommand("read", "parse instrument files and print their readings");
    read->add_option("files", files, "plate-reader exports and FCS files")->required();
    read->add_option("--format", format, "csv or json")->check(CLI::IsMember({"csv", "json"}))->capture_default_str();
    read->add_flag("--events", reading.events, "cytometry: every event as CSV");
    read->callback([&] {
        reading.format = format == "json" ? ReadFormat::json : ReadFormat::csv;
        exit_status = report(read_files(files, reading, std::cout, std::cerr));
    });

    CLI::App* const simulate = app.add_subcommand("simulate", "play an instrument that is not there");
    simulate->require_subcommand(1);
    add_simulators(*simulate, exit_status);

    std::filesystem::path outbox;
    CLI::App* const verify = app.add_subcommand("verify", "prove from the stored bytes which records are missing, doubled or altered");
    verify->add_option("outbox", outbox, "an outbox directory or file")->required();
    verify->callback([&] { exit_status = report(verify_and_print(outbox, std::cout)); });

    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& error) {
        int const shown = app.exit(error, std::cout, std::cerr);
        return shown == 0 ? 0 : exit_code(Fault::usage);
    }
    return exit_status;
}
