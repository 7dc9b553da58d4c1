// The folder with the real formats: a Gen5 export that grows, and cytometry files.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/drivers/folder/folder_world.hpp"

using namespace marrowlink;
using namespace marrowlink::sim;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {
std::string gen5_export() {
    std::string out =
        "\r\nSoftware Version\t3.11.19\r\n\r\n\r\nExperiment File Path:\tC:\\Users\\jmartin\\plate.xpt\r\nProtocol File Path:\t\r\n\r\n\r\n"
        "Plate Number\tPlate 1\r\nDate\t05/06/2026\r\nTime\t09:00:01\r\nReader Type:\tEpoch\r\nReader Serial Number:\t7654321\r\n"
        "Reading Type\tReader\r\n\r\nProcedure Details\r\n\r\nPlate Type\t96 WELL PLATE\r\nRead\t450\r\n\tAbsorbance Endpoint\r\n\tFull "
        "Plate\r\n"
        "\tWavelengths:  450\r\n\r\nResults\r\nActual Temperature:\t24.1\r\n\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10\t11\t12\r\n";
    for (char row = 'A'; row <= 'H'; ++row) {
        out += row;
        for (int column = 1; column <= 12; ++column) out += "\t0." + std::to_string(100 + (row - 'A') * 12 + column);
        out += "\t450\r\n";
    }
    return out;
}

// Two 16-bit parameters, `events` events, a name in $OP.
std::string fcs_file(int events) {
    std::string text =
        "/$BEGINANALYSIS/0/$ENDANALYSIS/0/$BEGINSTEXT/0/$ENDSTEXT/0/$BYTEORD/1,2,3,4/$DATATYPE/I/$MODE/L/$NEXTDATA/0/$PAR/2/$TOT/" +
        std::to_string(events) + "/$P1N/FSC/$P1B/16/$P1R/1024/$P1E/0,0/$P2N/SSC/$P2S/side/$P2B/16/$P2R/1024/$P2E/0,0/$OP/Jeanne Martin/";
    std::size_t const data_begin = 58 + text.size() + 60;
    std::size_t const data_end = data_begin + static_cast<std::size_t>(events) * 4 - 1;
    text += "$BEGINDATA/" + std::to_string(data_begin) + "/$ENDDATA/" + std::to_string(data_end) + "/";
    char header[59];
    std::snprintf(header, sizeof header, "FCS3.0    %8d%8d%8d%8d%8d%8d", 58, static_cast<int>(58 + text.size() - 1),
                  static_cast<int>(data_begin), static_cast<int>(data_end), 0, 0);
    std::string out = header + text;
    out.resize(data_begin, ' ');
    for (int i = 0; i < events; ++i) {
        out += static_cast<char>(i % 256);
        out += static_cast<char>(i / 256 % 4);
        out += '\1';
        out += '\0';
    }
    return out;
}

struct RealFormats : FolderWorld {
    RealFormats() { options.recognise = recognise; }
};

// Each step stands still for ten minutes, then the next replaces it; only the last may be taken.
void grow(std::vector<std::string> const& steps) {
    RealFormats world;
    world.start();
    for (std::size_t i = 0; i < steps.size(); ++i) {
        INFO("step " << i << ", " << steps[i].size() << " bytes: " << (world.file("plate.txt") ? world.file("plate.txt")->reason : ""));
        world.folder->write("plate.txt", steps[i]);
        world.run(10min);
        CHECK(world.outbox.of(type::run_finished).size() == (i + 1 == steps.size() ? 1 : 0));
        CHECK((world.standing("plate.txt") == "taken") == (i + 1 == steps.size()));
    }
    REQUIRE_FALSE(world.outbox.records.empty());
    auto const manifest = world.outbox.finished(world.outbox.records.front().run);
    CHECK(manifest.at("state").as_string() == "complete");
    CHECK(manifest.at("readings").at("count").as_int64() == 96);
}
}  // namespace

TEST_CASE("a Gen5 export is not taken before its last row and label are there (field 62)") {
    std::string const whole = gen5_export();
    std::size_t const results = whole.find("Results");
    std::size_t const last_row = whole.rfind("\r\nH\t") + 2;
    grow({"", whole.substr(0, results), whole.substr(0, last_row), whole.substr(0, whole.size() - 7), whole});
}

TEST_CASE("the shared case of a growing Gen5 export is counted once") {
    char const* const set = std::getenv("MARROWLINK_SHARED");
    fs::path const folder =
        (set ? fs::path{set} : fs::path{MARROWLINK_SOURCE_DIR}.parent_path() / "shared") / "instruments/cases/gen5-growing-file";
    if (!fs::is_directory(folder)) {
        WARN("no samples in " << folder << ": set MARROWLINK_SHARED to compare with them");
        return;
    }
    std::vector<std::string> steps;
    for (char const* const name : {"t0.txt", "t1.txt", "t2.txt", "t3.txt"}) {
        std::ostringstream text;
        text << std::ifstream{folder / name, std::ios::binary}.rdbuf();
        steps.push_back(text.str());
    }
    grow(steps);
    std::cout << steps.size() << " steps of a growing Gen5 export compared\n";
}

TEST_CASE("a cytometry file waits for the events that $TOT promises; its manifest shows the data sets") {
    std::string const whole = fcs_file(50'000);
    RealFormats world;
    world.start();
    world.folder->write("tube.fcs", whole.substr(0, whole.size() - 1));
    world.run(1min);
    CHECK(world.standing("tube.fcs") == "incomplete");
    world.folder->write("tube.fcs", whole);
    world.run(1min);
    INFO((world.file("tube.fcs") ? world.file("tube.fcs")->reason : ""));
    REQUIRE(world.standing("tube.fcs") == "taken");
    std::string const run = world.outbox.records.front().run;
    auto const manifest = world.outbox.finished(run);
    auto const& set = manifest.at("datasets").at(0);
    CHECK(set.at("version").as_string() == "FCS3.0");
    CHECK(set.at("events").as_int64() == 50'000);
    CHECK(set.at("parameters").at(1).at("n").as_string() == "SSC");
    CHECK(set.at("parameters").at(1).at("s").as_string() == "side");
    CHECK(set.at("parameters").at(1).at("range").as_string() == "1024");
    CHECK(world.outbox.copy(run).find("Jeanne") == std::string::npos);
    CHECK(world.outbox.original(run, hex(sha256(whole))) == whole);
}
