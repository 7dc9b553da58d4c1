// Export software that is not there, as the folder driver's neighbours see it: files that grow, stay cut, or come again.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "drivers/catalog.hpp"
#include "drivers/example_export.hpp"
#include "drivers/instruments.hpp"
#include "gateway/simulate.hpp"
#include "tests/sim/temporary_folder.hpp"

using namespace marrowlink;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {
std::map<std::string, std::string> written(SimulateFolderOptions const& options) {
    auto const ended = run_simulate_folder(options);
    if (!ended) FAIL(ended.error().message);
    std::map<std::string, std::string> files;
    for (auto const& entry : fs::directory_iterator{options.folder}) {
        std::ifstream in{entry.path(), std::ios::binary};
        std::ostringstream text;
        text << in.rdbuf();
        files[entry.path().filename().string()] = text.str();
    }
    return files;
}
SimulateFolderOptions quick(fs::path const& folder, std::string format, SimulatedVariant variant = SimulatedVariant::normal) {
    SimulateFolderOptions options;
    options.folder = folder;
    options.format = std::move(format);
    options.variant = variant;
    options.files = 6;
    options.period = 1ms;
    options.writing = 10ms;
    return options;
}
}  // namespace

TEST_CASE("files of every format are written whole, and numbers go on behind those that are there") {
    for (std::string const& format : example_formats()) {
        INFO(format);
        sim::TemporaryFolder folder;
        auto const files = written(quick(folder / "exports", format));
        CHECK(files.size() == 6);
        for (auto const& [name, bytes] : files) {
            auto const known = recognise(bytes);
            REQUIRE(known);
            CHECK((*known)->parse(bytes));
        }
        auto const more = written(quick(folder / "exports", format));
        CHECK(more.size() == 12);
        for (auto const& [name, bytes] : files) CHECK(more.at(name) == bytes);
    }
}

TEST_CASE("a damaged folder has files without their ends, a repeating one has files twice, a silent one stops") {
    sim::TemporaryFolder folder;
    std::size_t whole = 0, cut = 0;
    for (auto const& [name, bytes] : written(quick(folder / "damaged", "bmg-mars", SimulatedVariant::damaged))) {
        auto const known = recognise(bytes);
        (known && (*known)->parse(bytes) ? whole : cut) += 1;
    }
    CHECK(whole > 0);
    CHECK(cut > 0);
    auto const twice = written(quick(folder / "repeating", "bmg-mars", SimulatedVariant::repeating));
    std::size_t again = 0;
    for (auto const& [name, bytes] : twice) {
        if (!name.starts_with("again-")) continue;
        CHECK(bytes == twice.at(name.substr(6)));
        ++again;
    }
    CHECK(again > 0);
    CHECK(twice.size() == 6 + again);
    CHECK(written(quick(folder / "silent", "bmg-mars", SimulatedVariant::silent)).size() == 3);
}

TEST_CASE("a file of one's own is written as it is") {
    sim::TemporaryFolder folder;
    std::ofstream{folder / "plate.xlsx", std::ios::binary} << "anything";
    auto options = quick(folder / "exports", "sample");
    CHECK_FALSE(run_simulate_folder(options));
    options.sample = folder / "plate.xlsx";
    auto const files = written(options);
    CHECK(files.size() == 6);
    CHECK(files.at("plate-0001.xlsx") == "anything");
    auto const unknown = run_simulate_folder(quick(folder / "none", "thermo-skanit"));
    REQUIRE_FALSE(unknown);
    CHECK_THAT(unknown.error().message, Contains("bmg-mars"));
}

TEST_CASE("every driver of the product has its simulator") {
    for (InstrumentEntry const& entry : instruments()) {
        INFO(entry.driver);
        bool known = entry.driver == "folder" || entry.driver == "modbus" || entry.driver == "spectramax";
        for (LineSimulatorEntry const& one : line_simulators()) known = known || one.name == entry.driver;
        CHECK(known);
    }
}
