// marrowlink-central: from the broker to the ledger.
#include <fstream>
#include <iostream>

#include "central/analyse/analysis.hpp"
#include "central/analyse/command.hpp"
#include "central/analysis/layout.hpp"
#include "central/annotations.hpp"
#include "central/bundle.hpp"
#include "central/changes.hpp"
#include "central/config.hpp"
#include "central/evaluations.hpp"
#include "central/service.hpp"
#include "central/store.hpp"
#include "central/subjects.hpp"
#include "central/tar.hpp"
#include "central/verify.hpp"
#include "core/version.hpp"
#include "io/command_line.hpp"
#include "io/progress.hpp"
#include "io/system.hpp"
#include "io/whole_file.hpp"

namespace {
using namespace marrowlink;

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

Result<void> verify_database(std::filesystem::path const& path) {
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

Result<void> verify_bundle(std::filesystem::path const& path, std::string const& bytes, bool recompute) {
    auto const proof = central::check_bundle(bytes, recompute);
    if (!proof) return fail(proof.error().fault, path.string() + ": " + proof.error().message);
    for (std::string const& finding : proof->findings) std::cout << "  " << finding << '\n';
    std::cout << "bundle subject=" << proof->subject << " plates=" << proof->plates << " files=" << proof->files
              << " different=" << proof->findings.size();
    if (recompute) std::cout << " recomputed=yes drugs_compared=" << proof->drugs;
    std::cout << '\n';
    if (!proof->findings.empty()) return fail(Fault::refused, path.string() + " is not what was written: see the lines above.");
    if (recompute && !proof->report_remade)
        std::cout << "Written by version " << proof->software << ", checked by " << version
                  << ": the numbers are the same; report.html is only held to its SHA-256.\n";
    return {};
}

Result<void> verify(std::filesystem::path const& path, bool recompute) {
    std::string beginning(512, '\0');
    std::ifstream{path, std::ios::binary}.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    if (!recompute && !central::begins_as_tar(beginning)) return verify_database(path);
    auto const bytes = whole_file(path, central::bundle_bytes_max);
    return bytes ? verify_bundle(path, *bytes, recompute) : fail(bytes.error());
}

// What is made of one subject, written whole or not at all.
Result<void> write_subject(Result<std::filesystem::path> const& from, std::string const& subject, std::filesystem::path const& to,
                           Result<std::string> (*made)(Database&, std::string const&)) {
    if (!from) return fail(from.error());
    if (std::filesystem::exists(to)) return fail(Fault::refused, to.string() + " is there already; it is not overwritten.");
    auto database = open_for_reading(*from, central::store_schema(), Database::Mode::read_only);
    if (!database) return fail(database.error());
    auto const bytes = made(*database, subject);
    if (!bytes) return fail(bytes.error());
    if (bytes->empty()) return fail(Fault::refused, "The centre has no plate of a subject \"" + subject + "\".");
    if (auto const written = write_whole_file(to, *bytes); !written) return written;
    std::cout << to.string() << " written: " << bytes->size() << " bytes.\n";
    return {};
}

Result<std::string> made_bundle(Database& database, std::string const& subject) {
    auto const bundle = central::bundle_of(database, subject);
    return bundle ? central::bundle_file(*bundle) : fail(bundle.error());
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

// Everything from the raw records again, by this version, beside a running centre too.
Result<void> recompute(Result<std::filesystem::path> const& path, std::filesystem::path const& changes) {
    if (!path) return fail(path.error());
    auto database = open_for_reading(*path, central::store_schema(), Database::Mode::read_write);
    if (!database) return fail(database.error());
    auto const before = central::latest_evaluation(*database);
    if (!before) return fail(before.error());
    auto evaluations = central::Evaluations::over(*database);
    if (!evaluations) return fail(evaluations.error());
    if (auto const marked = evaluations->all_again(); !marked) return marked;
    auto const total = evaluations->due();
    if (!total) return fail(total.error());
    SystemClock clock;
    auto const began = clock.now();
    Progress progress{"plates"};
    for (std::int64_t left = *total; left > 0;) {
        auto const done = evaluations->evaluate_next(clock.utc().time_since_epoch().count());
        if (!done) return fail(done.error());
        auto const now = evaluations->due();
        if (!now) return fail(now.error());
        left = *now;
        progress.at(static_cast<std::size_t>(*total - std::min(left, *total)), static_cast<std::size_t>(*total));
    }
    progress.end();
    auto const table = central::changes_since(*database, *before);
    if (!table) return fail(table.error());
    std::cout << *total << " runs evaluated again in " << std::chrono::duration_cast<std::chrono::seconds>(clock.now() - began).count()
              << " s; " << table->rows() << " values differ from what they were.\n";
    if (changes.empty()) return {};
    if (auto const written = write_whole_file(changes, table->csv()); !written) return written;
    std::cout << changes.string() << " says which, and why.\n";
    return {};
}

// Of all evaluations that there ever were.
Result<void> write_changes(Result<std::filesystem::path> const& path, std::filesystem::path const& to) {
    if (!path) return fail(path.error());
    auto database = open_for_reading(*path, central::store_schema(), Database::Mode::read_only);
    if (!database) return fail(database.error());
    auto const table = central::changes_since(*database, 0);
    if (!table) return fail(table.error());
    if (auto const written = write_whole_file(to, table->csv()); !written) return written;
    std::cout << to.string() << " written: " << table->rows() << " changed values.\n";
    return {};
}

Result<void> annotate(Result<std::filesystem::path> const& path, central::AnnotationKind kind, std::filesystem::path const& file,
                      std::string const& barcode) {
    if (!path) return fail(path.error());
    auto const bytes = whole_file(file, analysis::annotation_bytes_max);
    if (!bytes) return fail(bytes.error());
    auto database = open_for_reading(*path, central::store_schema(), Database::Mode::read_write);
    if (!database) return fail(database.error());
    auto const added =
        central::add_annotation(*database, kind, barcode, *bytes, file.filename().string(), SystemClock{}.utc().time_since_epoch().count());
    if (!added) return fail(added.error());
    std::cout << central::name_of(kind) << " of " << barcode << ", version " << added->version
              << (added->unchanged ? ": it was here already.\n" : ": stored; its runs are evaluated.\n");
    return {};
}
}  // namespace

int main(int argc, char** argv) {
    CommandLine line{"marrowlink-central",
                     "Takes what the gateways of all sites send, each record once and unchanged, and acknowledges it."};
    std::filesystem::path config_file = "/etc/marrowlink/central.toml";
    std::filesystem::path database;
    std::filesystem::path to;

    line.add("run", "run in the foreground until SIGTERM", [&] { return central::run_service(config_file); })
        ->add_option("-c,--config", config_file, "the configuration")
        ->capture_default_str();

    line.add("check", "read the configuration and name every mistake with its line", [&] { return check(config_file); })
        ->add_option("file", config_file, "the configuration")
        ->capture_default_str();

    auto const with_source = [&](CLI::App* command) {
        command->add_option("-c,--config", config_file, "names the database unless it is given")->capture_default_str();
        return command;
    };
    bool made_again = false;
    CLI::App* const verifying =
        with_source(line.add("verify", "prove from the stored bytes what is missing, doubled or altered", [&]() -> Result<void> {
            auto const path = database_of(database, config_file);
            return path ? verify(*path, made_again) : fail(path.error());
        }));
    verifying->add_option("file", database, "a central database, a backup, an export or a bundle; the configured database unless given");
    verifying->add_flag("--recompute", made_again, "of a bundle: make every number again from the instruments' bytes, and compare");

    std::string subject;
    auto const add_writing = [&](std::string const& name, std::string const& description, std::string const& what,
                                 Result<std::string> (*made)(Database&, std::string const&)) {
        CLI::App* const command = with_source(
            line.add(name, description, [&, made] { return write_subject(database_of(database, config_file), subject, to, made); }));
        command->add_option("subject", subject, "the pseudonym")->required();
        command->add_option("out", to, what)->required();
        command->add_option("--database", database, "instead of the configured one");
    };
    add_writing("bundle", "write all that a subject's comparison rests on to one file that `verify` checks offline",
                "a .tar file that does not exist yet", made_bundle);
    add_writing("report", "write a subject's page to one file that any browser shows and prints", "a .html file that does not exist yet",
                central::report_of);

    CLI::App* const exporting = with_source(line.add("export", "write every record to one portable SQLite file that `verify` reads offline",
                                                     [&] { return copy(database_of(database, config_file), to, &Database::vacuum_into); }));
    exporting->add_option("out", to, "a file that does not exist yet")->required();
    exporting->add_option("--database", database, "instead of the configured one");

    CLI::App* const backing_up =
        with_source(line.add("backup", "copy the database while the centre runs; to restore, put the copy in its place",
                             [&] { return copy(database_of(database, config_file), to, &Database::backup_to); }));
    backing_up->add_option("out", to, "a file that does not exist yet")->required();
    backing_up->add_option("--database", database, "instead of the configured one");

    std::filesystem::path annotation;
    std::string barcode;
    auto const add_annotating = [&](central::AnnotationKind kind, std::string const& description) {
        CLI::App* const command = line.add(std::string{name_of(kind)}, description,
                                           [&, kind] { return annotate(database_of(database, config_file), kind, annotation, barcode); });
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
                             [&] { return recompute(database_of(database, config_file), to); }));
    recomputing->add_option("--changes", to, "write a CSV with every value that differs");
    recomputing->add_option("--database", database, "instead of the configured one");

    CLI::App* const listing = with_source(line.add("changes", "write which results ever changed, when and why",
                                                   [&] { return write_changes(database_of(database, config_file), to); }));
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
