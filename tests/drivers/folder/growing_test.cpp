// Every plate and list format in a folder whose files are not there at once: growing in pieces without an announcement, on a share that
// reserves the whole size first, held open by another program, or replaced before they settled.
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>

#include "drivers/catalog.hpp"
#include "tests/drivers/folder/folder_world.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace marrowlink::sim;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {
struct Sample {
    std::string name, format, bytes;
};

// Of the own and the shared ones those that are read whole.
std::vector<Sample> samples() {
    std::vector<Sample> out;
    std::set<std::string> known;
    for (fs::path const& folder : {fs::path{MARROWLINK_SOURCE_DIR} / "tests/data", plate_test::shared_folder() / "instruments/files"}) {
        if (!fs::is_directory(folder)) continue;
        for (auto const& entry : fs::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            Sample sample{entry.path().filename(), {}, plate_test::slurp(entry.path())};
            auto const format = recognise(sample.bytes);
            if (!format) continue;
            auto const document = (*format)->parse(sample.bytes);
            if (!document || document->readings.empty()) continue;
            sample.format = (*format)->name;
            if (known.insert(hex(sha256(sample.bytes))).second) out.push_back(std::move(sample));
        }
    }
    return out;
}

struct World : FolderWorld {
    World() {
        options.recognise = recognise;
        start();
    }
    std::size_t complete() const {
        std::size_t count = 0;
        for (Draft const& draft : outbox.of(type::run_finished)) count += draft.data.find("\"state\":\"complete\"") != std::string::npos;
        return count;
    }
    void check_taken(Sample const& sample, std::size_t before = 0) {
        CHECK(complete() == before + 1);
        CHECK(standing("a") == (before == 0 ? "taken" : "revision"));
        std::string const last = outbox.of(type::run_finished).back().run;
        CHECK(outbox.original(last, hex(sha256(sample.bytes))) == sample.bytes);
    }
};

// Where the grammar itself cannot tell that there is more: a list may end behind any row, and an export of several plates behind any plate.
// What comes later is a revision then, which a person sees.
bool may_be_all(Sample const& sample, std::string_view part) {
    return sample.format == "unchained-lunatic" || (sample.format == "agilent-gen5" && part.ends_with("\n\n"));
}
}  // namespace

TEST_CASE("of every format a file that grows, is reserved, held or replaced is one run, of all its bytes (field 62)") {
    std::map<std::string, int> seen;
    for (Sample const& sample : samples()) {
        INFO(sample.format << " " << sample.name);
        ++seen[sample.format];
        std::size_t const size = sample.bytes.size();
        {
            World growing;
            std::size_t before = 0;
            for (std::size_t const part : {size / 7, size / 3, size / 2, size - size / 10, size - size / 40 - 1}) {
                growing.folder->write("a", sample.bytes.substr(0, part));
                growing.run(3min);
                INFO("of " << size << " bytes " << part);
                if (growing.complete() > before) {
                    CHECK(may_be_all(sample, std::string_view{sample.bytes}.substr(0, part)));
                    std::cout << "folder: " << sample.name << " may be all there behind byte " << part << " of " << size << "\n";
                    before = growing.complete();
                }
            }
            growing.folder->write("a", sample.bytes);
            growing.run(3min);
            growing.check_taken(sample, before);
        }
        {
            World reserved;
            reserved.folder->write("a", std::string(size, '\0'));
            reserved.run(3min);
            CHECK(reserved.complete() == 0);
            reserved.folder->write("a", sample.bytes);
            reserved.run(3min);
            reserved.check_taken(sample);
        }
        {
            World held;
            held.folder->hold("a");
            held.folder->write("a", sample.bytes);
            held.run(30min);
            CHECK(held.outbox.records.empty());
            held.folder->let_go("a");
            held.run(3min);
            held.check_taken(sample);
        }
        {
            World replaced;
            std::string other = sample.bytes;
            other.resize(size / 2);
            replaced.folder->write("a", other);
            replaced.run(2s);  // before it has settled
            replaced.folder->write("b", sample.bytes);
            replaced.folder->rename("b", "a");
            replaced.run(3min);
            replaced.check_taken(sample);
        }
    }
    std::string formats;
    for (auto const& [format, files] : seen) formats += format + " " + std::to_string(files) + ", ";
    std::cout << "folder: growing files of " << seen.size() << " formats: " << formats << "\n";
    CHECK(seen.size() >= 5);
}
