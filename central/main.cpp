// marrowlink-central: from the broker to the ledger. Exit codes: 0, 64 usage, 65 data refused, 69 unavailable, 70 broken invariant, 78
// configuration.
#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>

#include "central/config.hpp"
#include "central/service.hpp"
#include "central/store.hpp"
#include "central/verify.hpp"
#include "core/version.hpp"

namespace {
using namespace marrowlink;

int report(Result<void> const& result) {
    if (result) return 0;
    std::cerr << result.error().message << '\n';
    return exit_code(result.error().fault);
}

Result<void> check(std::filesystem::path const& file) {
    auto const config = central::read_config(file);
    if (!config) return fail(config.error());
    for (std::string const& warning : config->warnings) std::cerr << warning << '\n';
    std::cout << file.string() << " is good: broker " << config->broker.host << ':' << config->broker.port << ", database "
              << config->database.string() << ", page on " << config->listen.host << ':' << config->listen.port << ".\n";
    return {};
}

// The database named on the command line, or the configured one.
Result<std::filesystem::path> database_of(std::filesystem::path const& named, std::filesystem::path const& config_file) {
    if (!named.empty()) return named;
    auto const config = central::read_config(config_file);
    if (!config) return fail(config.error());
    return config->database;
}

Result<void> verify(std::filesystem::path const& path) {
    auto const proof = central::verify(path);
    if (!proof) return fail(proof.error());
    constexpr std::string_view kinds[] = {"missing", "doubled", "altered"};
    for (central::StreamProof const& stream : proof->streams) {
        std::cout << stream.line() << '\n';
        for (central::Finding const& finding : stream.findings) {
            std::cout << "  " << kinds[static_cast<std::size_t>(finding.kind)] << ' ' << finding.first;
            if (finding.last != finding.first) std::cout << '-' << finding.last;
            std::cout << ": " << finding.detail << '\n';
        }
    }
    std::cout << proof->total() << '\n';
    if (proof->good()) return {};
    return fail(Fault::refused, path.string() + " is not what its chains say: see the lines above.");
}

Result<void> copy(Result<std::filesystem::path> const& from, std::filesystem::path const& to,
                  Result<void> (Database::*how)(std::filesystem::path const&)) {
    if (!from) return fail(from.error());
    auto database = open_for_reading(*from, central::store_schema(), Database::Mode::read_only);
    if (!database) return fail(database.error());
    if (auto const done = ((*database).*how)(to); !done) return done;
    std::cout << to.string() << " written: " << std::filesystem::file_size(to) << " bytes.\n";
    return {};
}
}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    CLI::App app{"Takes what the gateways of all sites send, each record once and unchanged, and acknowledges it.", "marrowlink-central"};
    app.set_version_flag("--version", std::string{"marrowlink-central "} + std::string{version});
    app.require_subcommand(1);
    app.footer("Exit codes: 0 done, 64 usage, 65 data refused or differing, 69 unavailable, 70 broken invariant, 78 configuration.");

    std::filesystem::path config_file = "/etc/marrowlink/central.toml";
    std::filesystem::path database;
    std::filesystem::path to;
    int exit_status = 0;

    CLI::App* const run = app.add_subcommand("run", "run in the foreground until SIGTERM");
    run->add_option("-c,--config", config_file, "the configuration")->capture_default_str();
    run->callback([&] { exit_status = report(central::run_service(config_file)); });

    CLI::App* const checking = app.add_subcommand("check", "read the configuration and name every mistake with its line");
    checking->add_option("file", config_file, "the configuration")->capture_default_str();
    checking->callback([&] { exit_status = report(check(config_file)); });

    auto const with_source = [&](CLI::App* command) {
        command->add_option("-c,--config", config_file, "names the database unless it is given")->capture_default_str();
        return command;
    };
    CLI::App* const verifying =
        with_source(app.add_subcommand("verify", "prove from the stored bytes which records are missing, doubled or altered"));
    verifying->add_option("database", database, "a central database, a backup or an export; the configured one unless given");
    verifying->callback([&] {
        auto const path = database_of(database, config_file);
        exit_status = report(path ? verify(*path) : fail(path.error()));
    });

    CLI::App* const exporting =
        with_source(app.add_subcommand("export", "write every record to one portable SQLite file that `verify` reads offline"));
    exporting->add_option("out", to, "a file that does not exist yet")->required();
    exporting->add_option("--database", database, "instead of the configured one");
    exporting->callback([&] { exit_status = report(copy(database_of(database, config_file), to, &Database::vacuum_into)); });

    CLI::App* const backing_up =
        with_source(app.add_subcommand("backup", "copy the database while the centre runs; to restore, put the copy in its place"));
    backing_up->add_option("out", to, "a file that does not exist yet")->required();
    backing_up->add_option("--database", database, "instead of the configured one");
    backing_up->callback([&] { exit_status = report(copy(database_of(database, config_file), to, &Database::backup_to)); });

    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& error) {
        int const shown = app.exit(error, std::cout, std::cerr);
        return shown == 0 ? 0 : exit_code(Fault::usage);
    }
    return exit_status;
}
