// marrowlink-central: from the broker to the ledger, and from records to results.
#include "central/analyse/analysis.hpp"
#include "central/analyse/command.hpp"
#include "central/commands.hpp"
#include "central/service.hpp"
#include "io/command_line.hpp"

int main(int argc, char** argv) {
    using namespace marrowlink;
    namespace fs = std::filesystem;
    CommandLine line{"marrowlink-central",
                     "Takes what the gateways of all sites send, each record once and unchanged, and acknowledges it."};
    fs::path config_file = "/etc/marrowlink/central.toml";
    fs::path database;
    fs::path to;

    line.add("run", "run in the foreground until SIGTERM", [&] { return central::run_service(config_file); })
        ->add_option("-c,--config", config_file, "the configuration")
        ->capture_default_str();

    line.add("check", "read the configuration and name every mistake with its line", [&] { return central::check(config_file); })
        ->add_option("file", config_file, "the configuration")
        ->capture_default_str();

    auto const on_database = [&](auto command) -> Result<void> {
        auto const path = central::database_of(database, config_file);
        return path ? command(*path) : fail(path.error());
    };
    auto const with_source = [&](CLI::App* command) {
        command->add_option("-c,--config", config_file, "names the database unless it is given")->capture_default_str();
        return command;
    };
    bool made_again = false;
    CLI::App* const verifying = with_source(line.add("verify", "prove from the stored bytes what is missing, doubled or altered", [&] {
        return on_database([&](auto const& path) { return central::verify_file(path, made_again); });
    }));
    verifying->add_option("file", database, "a central database, a backup, an export or a bundle; the configured database unless given");
    verifying->add_flag("--recompute", made_again, "of a bundle: make every number again from the instruments' bytes, and compare");

    std::string subject;
    auto const add_writing = [&](std::string const& name, std::string const& description, std::string const& what,
                                 Result<void> (*write)(fs::path const&, std::string const&, fs::path const&)) {
        CLI::App* const command = with_source(
            line.add(name, description, [&, write] { return on_database([&](auto const& path) { return write(path, subject, to); }); }));
        command->add_option("subject", subject, "the pseudonym")->required();
        command->add_option("out", to, what)->required();
        command->add_option("--database", database, "instead of the configured one");
    };
    add_writing("bundle", "write all that a subject's comparison rests on to one file that `verify` checks offline",
                "a .tar file that does not exist yet", central::write_bundle);
    add_writing("report", "write a subject's page to one file that any browser shows and prints", "a .html file that does not exist yet",
                central::write_report);

    CLI::App* const exporting =
        with_source(line.add("export", "write every record to one portable SQLite file that `verify` reads offline", [&] {
            return on_database([&](auto const& path) { return central::copy(path, to, &Database::vacuum_into); });
        }));
    exporting->add_option("out", to, "a file that does not exist yet")->required();
    exporting->add_option("--database", database, "instead of the configured one");

    CLI::App* const backing_up =
        with_source(line.add("backup", "copy the database while the centre runs; to restore, put the copy in its place",
                             [&] { return on_database([&](auto const& path) { return central::copy(path, to, &Database::backup_to); }); }));
    backing_up->add_option("out", to, "a file that does not exist yet")->required();
    backing_up->add_option("--database", database, "instead of the configured one");

    fs::path annotation;
    std::string barcode;
    auto const add_annotating = [&](central::AnnotationKind kind, std::string const& description) {
        CLI::App* const command = line.add(std::string{name_of(kind)}, description, [&, kind] {
            return on_database([&](auto const& path) { return central::annotate(path, kind, annotation, barcode); });
        });
        command->require_subcommand(1);
        CLI::App* const add =
            with_source(command->add_subcommand("add", "store it; a changed one becomes a new version, and earlier ones stay"));
        add->add_option("file", annotation, "a CSV file; its columns are in docs/analysis.md")->required()->check(CLI::ExistingFile);
        add->add_option("--barcode", barcode, "of the plate, as the runs have it")->required();
        add->add_option("--database", database, "instead of the configured one");
    };
    add_annotating(central::AnnotationKind::layout, "which drug and dose stand in which well of a plate");
    add_annotating(central::AnnotationKind::sample, "whose cells are on a plate, by pseudonym, and how they were kept");

    CLI::App* const recomputing =
        with_source(line.add("recompute", "evaluate every run again from its raw records, and say what changed and why",
                             [&] { return on_database([&](auto const& path) { return central::recompute(path, to); }); }));
    recomputing->add_option("--changes", to, "write a CSV with every value that differs");
    recomputing->add_option("--database", database, "instead of the configured one");

    CLI::App* const listing = with_source(line.add("changes", "write which results ever changed, when and why", [&] {
        return on_database([&](auto const& path) { return central::write_changes(path, to); });
    }));
    listing->add_option("out", to, "a CSV file")->required();
    listing->add_option("--database", database, "instead of the configured one");

    analyse::Command analysis;
    CLI::App* const analysing = line.add("analyse", "from a table (CSV) to results: normalisation, curves, scores, comparisons",
                                         [&] { return analyse::run(analysis); });
    analysing->add_option("what", analysis.what, "which analysis; see below")->required();
    analysing->add_option("--in", analysis.in, "a CSV file; for nist *.dat files or a folder of them")
        ->required()
        ->check(CLI::ExistingPath);
    analysing->add_option("--out", analysis.out,
                          "where the main table goes; further ones stand beside it. Without it the main table is printed");
    analysing->add_option("--controls", analysis.controls, "healthy controls' scores, a column a drug, for selective scores")
        ->check(CLI::ExistingFile);
    analysing->add_option("--compat", analysis.compat, "dose-response: \"fimm\" fits and scores as that pipeline does");
    analysing->add_option("--model", analysis.models, "drc: LL.3, LL.4, LL.5, W1.4, W2.4; all of them unless named");
    analysing->add_option("--bootstrap", analysis.draws, "dose-response: draws for the intervals of scores; 0 for none")
        ->check(CLI::Range(0, 100'000))
        ->capture_default_str();
    std::string kinds;
    for (analyse::Analysis const& one : analyse::analyses())
        kinds += "  " + std::string{one.name} + ": " + std::string{one.description} + "\n";
    analysing->footer("WHAT is one of:\n" + kinds + "Columns, definitions and examples: docs/analysis.md.");

    return line.run(argc, argv);
}
