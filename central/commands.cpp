#include "central/commands.hpp"

#include <fstream>
#include <iostream>

#include "central/analysis/layout.hpp"
#include "central/bundle.hpp"
#include "central/changes.hpp"
#include "central/config.hpp"
#include "central/evaluations.hpp"
#include "central/store.hpp"
#include "central/subjects.hpp"
#include "central/tar.hpp"
#include "central/verify.hpp"
#include "core/version.hpp"
#include "io/progress.hpp"
#include "io/system.hpp"
#include "io/whole_file.hpp"

namespace marrowlink::central {
namespace fs = std::filesystem;
namespace {
Result<void> verify_database(fs::path const& path) {
    auto const proof = verify(path);
    if (!proof) return fail(proof.error());
    constexpr std::string_view kinds[] = {"missing", "doubled", "altered"};
    for (StreamProof const& stream : proof->streams) {
        std::cout << stream.line() << '\n';
        for (Finding const& finding : stream.findings) {
            std::cout << "  " << kinds[static_cast<std::size_t>(finding.kind)] << ' ' << finding.first;
            if (finding.last != finding.first) std::cout << '-' << finding.last;
            std::cout << ": " << finding.detail << '\n';
        }
    }
    std::cout << proof->total() << '\n';
    if (proof->good()) return {};
    return fail(Fault::refused, path.string() + " is not what its chains say: see the lines above.");
}

Result<void> verify_bundle(fs::path const& path, std::string const& bytes, bool recompute) {
    auto const proof = check_bundle(bytes, recompute);
    if (!proof) return fail(proof.error().fault, path.string() + ": " + proof.error().message);
    for (std::string const& finding : proof->findings) std::cout << "  " << finding << '\n';
    std::cout << "bundle subject=" << proof->subject << " plates=" << proof->plates << " files=" << proof->files
              << " different=" << proof->findings.size();
    if (recompute) std::cout << " recomputed=" << (proof->recomputed ? "yes" : "no") << " drugs_compared=" << proof->drugs;
    std::cout << '\n';
    if (!proof->findings.empty()) return fail(Fault::refused, path.string() + " is not what was written: see the lines above.");
    if (recompute && !proof->recomputed)
        return fail(Fault::unavailable, path.string() + " was written by version " + proof->software + ", and this is " +
                                            std::string{version} +
                                            ": its files are as their SHA-256 say, but only that version can make them again.");
    return {};
}

// What is made of one subject, written whole or not at all.
Result<void> write_subject(fs::path const& from, std::string const& subject, fs::path const& to,
                           Result<std::string> (*made)(Database&, std::string const&)) {
    if (fs::exists(to)) return fail(Fault::refused, to.string() + " is there already; it is not overwritten.");
    auto database = open_for_reading(from, store_schema(), Database::Mode::read_only);
    if (!database) return fail(database.error());
    auto const bytes = made(*database, subject);
    if (!bytes) return fail(bytes.error());
    if (bytes->empty()) return fail(Fault::refused, "The centre has no plate of a subject \"" + subject + "\".");
    if (auto const written = write_whole_file(to, *bytes); !written) return written;
    std::cout << to.string() << " written: " << bytes->size() << " bytes.\n";
    return {};
}

Result<std::string> made_bundle(Database& database, std::string const& subject) {
    auto const bundle = bundle_of(database, subject);
    return bundle ? bundle_file(*bundle) : fail(bundle.error());
}
}  // namespace

Result<void> check(fs::path const& file) {
    auto const config = read_config(file);
    if (!config) return fail(config.error());
    for (std::string const& warning : config->warnings) std::cerr << warning << '\n';
    std::cout << file.string() << " is good: broker " << config->broker.host << ':' << config->broker.port << ", database "
              << config->database.string() << ", page on " << config->listen.host << ':' << config->listen.port << ".\n";
    return {};
}

Result<fs::path> database_of(fs::path const& named, fs::path const& config_file) {
    if (!named.empty()) return named;
    auto const config = read_config(config_file);
    if (!config) return fail(config.error());
    return config->database;
}

Result<void> verify_file(fs::path const& path, bool recompute) {
    std::string beginning(512, '\0');
    std::ifstream{path, std::ios::binary}.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    if (!recompute && !begins_as_tar(beginning)) return verify_database(path);
    auto const bytes = whole_file(path, bundle_bytes_max);
    return bytes ? verify_bundle(path, *bytes, recompute) : fail(bytes.error());
}

Result<void> copy(fs::path const& from, fs::path const& to, Result<void> (Database::*how)(fs::path const&)) {
    auto database = open_for_reading(from, store_schema(), Database::Mode::read_only);
    if (!database) return fail(database.error());
    if (auto const done = ((*database).*how)(to); !done) return done;
    std::cout << to.string() << " written: " << fs::file_size(to) << " bytes.\n";
    return {};
}

Result<void> recompute(fs::path const& path, fs::path const& changes) {
    auto database = open_for_reading(path, store_schema(), Database::Mode::read_write);
    if (!database) return fail(database.error());
    auto const before = latest_evaluation(*database);
    if (!before) return fail(before.error());
    auto evaluations = Evaluations::over(*database);
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
    auto const table = changes_since(*database, *before);
    if (!table) return fail(table.error());
    std::cout << *total << " runs evaluated again in " << std::chrono::duration_cast<std::chrono::seconds>(clock.now() - began).count()
              << " s; " << table->rows() << " values differ from what they were.\n";
    if (changes.empty()) return {};
    if (auto const written = write_whole_file(changes, table->csv()); !written) return written;
    std::cout << changes.string() << " says which, and why.\n";
    return {};
}

Result<void> write_changes(fs::path const& path, fs::path const& to) {
    auto database = open_for_reading(path, store_schema(), Database::Mode::read_only);
    if (!database) return fail(database.error());
    auto const table = changes_since(*database, 0);
    if (!table) return fail(table.error());
    if (auto const written = write_whole_file(to, table->csv()); !written) return written;
    std::cout << to.string() << " written: " << table->rows() << " changed values.\n";
    return {};
}

Result<void> annotate(fs::path const& path, AnnotationKind kind, fs::path const& file, std::string const& barcode) {
    auto const bytes = whole_file(file, analysis::annotation_bytes_max);
    if (!bytes) return fail(bytes.error());
    auto database = open_for_reading(path, store_schema(), Database::Mode::read_write);
    if (!database) return fail(database.error());
    auto const added =
        add_annotation(*database, kind, barcode, *bytes, file.filename().string(), SystemClock{}.utc().time_since_epoch().count());
    if (!added) return fail(added.error());
    std::cout << name_of(kind) << " of " << barcode << ", version " << added->version
              << (added->unchanged ? ": it was here already.\n" : ": stored; its runs are evaluated.\n");
    return {};
}

Result<void> write_report(fs::path const& database, std::string const& subject, fs::path const& to) {
    return write_subject(database, subject, to, report_of);
}

Result<void> write_bundle(fs::path const& database, std::string const& subject, fs::path const& to) {
    return write_subject(database, subject, to, made_bundle);
}

}  // namespace marrowlink::central
