// `read FILE…` end to end on files of our own making, and on the shared FCS samples through its printed JSON.
#include "gateway/read.hpp"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <sstream>

#include "core/json.hpp"
#include "tests/drivers/fcs/file.hpp"

using namespace marrowlink;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / ("marrowlink-read-" + std::to_string(getpid()));
    Folder() { fs::create_directories(path); }
    ~Folder() { fs::remove_all(path); }
    fs::path write(std::string_view name, std::string_view bytes) const {
        std::ofstream{path / name, std::ios::binary} << bytes;
        return path / name;
    }
};

struct Printed {
    std::string out, err;
    int exit = 0;
};

Printed read(std::vector<fs::path> const& files, ReadOptions options = {}) {
    std::ostringstream out, err;
    auto const done = read_files(files, options, out, err);
    return {out.str(), err.str(), done ? 0 : exit_code(done.error().fault)};
}

ReadOptions const as_json{ReadFormat::json, false, {}, false}, as_events{ReadFormat::csv, true, {}, false};

// A Gen5 export of two wells whose plate name needs quoting.
constexpr std::string_view gen5_export =
    "Software Version\t3.11.19\n\n\n\nExperiment File Path:\tC:\\runs\\a.xpt\nProtocol File Path:\tC:\\protocols\\od.prt\n\n\n\n"
    "Plate Number\tPlate \"A\", left\nDate\t03/04/2026\nTime\t14:05:09\nReader Type:\tEpoch\nReader Serial Number:\t1234567\nReading "
    "Type\tReader\n\n"
    "Procedure Details\n\nPlate Type\t96 WELL PLATE\nRead\tOD\n\tAbsorbance Endpoint\n\tA1..A2\n\tWavelengths:  600\n\n"
    "Results\nActual Temperature:\t36.9\n\t1\t2\nA\t0.125\tOVRFLW\tOD:600\n";

json::object object_of(std::string const& line) {
    auto const parsed = json::parse(line, "printed JSON");
    REQUIRE(parsed);
    return parsed->as_object();
}

std::string slurp(fs::path const& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// Equal but for the last digits that reading a decimal, or adding in another order, may change.
bool same(json::value const& a, json::value const& b) {
    if (a.is_number() && b.is_number()) {
        double const x = a.to_number<double>(), y = b.to_number<double>();
        return std::fabs(x - y) <= 1e-12 * std::fabs(y);
    }
    if (a.is_array() && b.is_array())
        return std::equal(a.get_array().begin(), a.get_array().end(), b.get_array().begin(), b.get_array().end(), same);
    return a == b;
}

}  // namespace

TEST_CASE("plates are printed as CSV, one line a reading, quoted where needed") {
    Folder const folder;
    auto const file = folder.write("plate, one.txt", gen5_export);
    auto const printed = read({file, file});
    INFO(printed.err);
    CHECK(printed.exit == 0);
    std::istringstream lines{printed.out};
    std::string line;
    REQUIRE(std::getline(lines, line));
    CHECK(line == "file,plate,read,well,time_s,wavelength_nm,excitation_nm,value,unit,flag");
    std::string const start = "\"" + file.string() + "\",\"Plate \"\"A\"\", left\",";
    for (int copy = 0; copy < 2; ++copy) {
        REQUIRE(std::getline(lines, line));
        CHECK_THAT(line, StartsWith(start) && Contains(",A1,,600,,0.125,") && Catch::Matchers::EndsWith(","));
        REQUIRE(std::getline(lines, line));
        CHECK_THAT(line, StartsWith(start) && Contains(",A2,,600,,,") && Catch::Matchers::EndsWith(",OVRFLW"));
    }
    CHECK_FALSE(std::getline(lines, line));
    CHECK_THAT(printed.err, Contains("(agilent-gen5)"));

    std::istringstream objects{read({file}, as_json).out};
    REQUIRE(std::getline(objects, line));
    auto const first = object_of(line);
    CHECK(json::string_of(first, "plate") == "Plate \"A\", left");
    CHECK(json::string_of(first, "well") == "A1");
    CHECK(json::string_of(first, "value") == "0.125");
    CHECK(read({file}, as_events).exit == 64);
}

TEST_CASE("a plate is printed in the Allotrope Simple Model, a document a line, once it is said when it was measured") {
    Folder const folder;
    auto const file = folder.write("plate, one.txt", gen5_export);
    ReadOptions as_model;
    as_model.format = ReadFormat::allotrope;
    auto const refused = read({file}, as_model);
    CHECK(refused.exit == 64);
    CHECK(refused.out.empty());
    CHECK_THAT(refused.err, Contains("expected --measured with a time such as") && Contains("The file says '03/04/2026 14:05:09'."));
    as_model.measured = "2026-04-03T14:05:09+02:00";
    auto const printed = read({file, file}, as_model);
    CHECK(printed.exit == 0);
    CHECK(std::count(printed.out.begin(), printed.out.end(), '\n') == 2);
    auto const model = object_of(printed.out.substr(0, printed.out.find('\n')));
    CHECK(json::string_of(model, "$asm.manifest") == "http://purl.allotrope.org/manifests/plate-reader/REC/2025/03/plate-reader.manifest");
    CHECK_THAT(printed.out, Contains("\"absorbance\":{\"value\":125,\"unit\":\"mAU\"}") && Contains("\"error\":\"OVRFLW\""));
    CHECK_THAT(printed.out, !Contains("plate, one.txt") && !Contains("C:"));
    auto const cells = folder.write("a.fcs", fcs_test::three_events().bytes());
    CHECK(read({cells}, as_model).exit == 65);
}

TEST_CASE("cytometry is printed as a summary or as events") {
    Folder const folder;
    auto cells = fcs_test::three_events();
    auto const file = folder.write("a.fcs", cells.bytes());
    auto const printed = read({file}, as_json);
    CHECK(printed.exit == 0);
    CHECK(printed.out ==
          "{\"file\":\"" + file.string() +
              "\",\"format\":\"fcs\",\"datasets\":[{\"version\":\"FCS3.0\",\"events\":3,\"parameters\":["
              "{\"n\":\"FSC-A\",\"bits\":\"32\",\"range\":\"262144\"},{\"n\":\"SSC-A\",\"bits\":\"32\",\"range\":\"262144\"}],"
              "\"first\":[[1.5E0,-2],[1000,2.5E-1],[7,8]],\"last\":[[1.5E0,-2],[1000,2.5E-1],[7,8]],"
              "\"sum\":[1.0085E3,6.25E0],\"min\":[1.5E0,-2],\"max\":[1000,8]}]}\n");
    CHECK_THAT(printed.err, Contains("Flow cytometry data file (FCS) (fcs)"));

    CHECK(read({file, file}, as_events).out == "FSC-A,SSC-A\n1.5,-2\n1000,0.25\n7,8\n\nFSC-A,SSC-A\n1.5,-2\n1000,0.25\n7,8\n");
    auto const unsuited = read({file});
    CHECK(unsuited.exit == 64);
    CHECK(unsuited.out.empty());
    CHECK_THAT(unsuited.err, Contains("--format json"));

    cells.data.replace(0, 4, fcs_test::float32(std::numeric_limits<float>::quiet_NaN(), true));
    cells.set("$P1N", "FSC,\"A\"").set("$P2S", "caf\xE9");
    auto const odd = read({folder.write("b.fcs", cells.bytes())}, as_json);
    auto const set = object_of(odd.out).at("datasets").at(0).as_object();
    CHECK(set.at("first").at(0).at(0).is_null());
    CHECK(set.at("parameters").at(1).at("s").as_string() == "café");
    CHECK_THAT(read({folder.path / "b.fcs"}, as_events).out, StartsWith("\"FSC,\"\"A\"\"\",SSC-A\nNaN,-2\n"));
}

TEST_CASE("a file that is refused or absent is named and the others are printed") {
    Folder const folder;
    auto const whole = folder.write("whole.fcs", fcs_test::three_events().bytes());
    auto const unknown = folder.write("unknown.bin", std::string("\x00\x01\x02\xFF zip?", 10));
    auto const empty = folder.write("empty.fcs", "");
    auto const printed = read({unknown, folder.path / "absent.fcs", empty, whole}, as_json);
    CHECK(printed.exit == 65);
    CHECK(std::count(printed.out.begin(), printed.out.end(), '\n') == 1);
    for (auto const& file : {unknown, folder.path / "absent.fcs", empty}) CHECK_THAT(printed.err, Contains(file.string() + ": "));
    CHECK(read({folder.path / "absent.fcs", whole}, as_json).exit == 69);

    std::ostringstream nowhere, err;
    nowhere.setstate(std::ios::badbit);
    auto const lost = read_files({whole}, as_json, nowhere, err);
    REQUIRE_FALSE(lost);
    CHECK(lost.error().message == "The output could not be written.");
}

TEST_CASE("a folder is read with all that is in it, and standard input as a file") {
    Folder const folder;
    fs::create_directories(folder.path / "b");
    auto const first = folder.write("a.fcs", fcs_test::three_events().bytes());
    auto const second = folder.write("b/x.fcs", fcs_test::three_events().bytes());
    auto const printed = read({folder.path}, as_json);
    CHECK(printed.exit == 0);
    CHECK(std::count(printed.out.begin(), printed.out.end(), '\n') == 2);
    CHECK(printed.err.find(first.string()) < printed.err.find(second.string()));

    fs::create_directories(folder.path / "empty");
    auto const none = read({folder.path / "empty"}, as_json);
    CHECK(none.exit == 69);

    std::istringstream in{fcs_test::three_events().bytes()};
    auto* const real = std::cin.rdbuf(in.rdbuf());
    auto const piped = read({"-"}, as_json);
    std::cin.rdbuf(real);
    CHECK(piped.exit == 0);
    CHECK(object_of(piped.out).at("file").as_string() == "(standard input)");
}

TEST_CASE("of an incomplete file what is present is shown, and it is refused (field 62)") {
    Folder const folder;
    std::string const bytes = fcs_test::three_events().bytes();
    auto const half = folder.write("half.fcs", bytes.substr(0, bytes.size() - 1));
    auto const printed = read({half}, as_json);
    CHECK(printed.exit == 65);
    CHECK(object_of(printed.out).at("datasets").at(0).at("events").to_number<int>() == 2);
    CHECK_THAT(printed.err, Contains("DATA ends before the event count in $TOT: 3 events promised, 2 present"));
    auto const events = read({half}, as_events);
    CHECK(events.exit == 65);
    CHECK(events.out.empty());
}

TEST_CASE("the printed JSON of every FCS sample equals its table") {
    char const* const set = std::getenv("MARROWLINK_SHARED");
    fs::path const files = (set ? fs::path{set} : fs::path{MARROWLINK_SOURCE_DIR}.parent_path() / "shared") / "instruments" / "files";
    if (!fs::is_directory(files)) {
        WARN("no samples in " << files << ": set MARROWLINK_SHARED to compare with them");
        return;
    }
    std::size_t compared = 0;
    for (auto const& entry : fs::recursive_directory_iterator{files}) {
        std::string const folder = entry.path().parent_path().filename().string(), extension = entry.path().extension().string();
        if (folder.rfind("fcs-", 0) != 0 || folder == "fcs-broken" || folder == "fcs-cytek-xp") continue;
        if (extension != ".fcs" && extension != ".FCS" && extension != ".lmd" && extension != ".LMD") continue;
        INFO(entry.path());
        auto const printed = object_of(read({entry.path()}, as_json).out);
        auto const table = object_of(slurp(fs::path{entry.path()}.replace_extension(".expected.json")));
        auto const& ours = printed.at("datasets").as_array();
        auto const& theirs = table.at("datasets").as_array();
        REQUIRE(ours.size() == theirs.size());
        for (std::size_t d = 0; d < ours.size(); ++d) {
            for (char const* const key : {"version", "events", "first", "last", "sum", "min", "max"}) {
                INFO(key);
                CHECK(same(ours[d].at(key), theirs[d].at(key)));
            }
            auto const& parameters = theirs[d].at("parameters").as_array();
            REQUIRE(ours[d].at("parameters").as_array().size() == parameters.size());
            for (std::size_t p = 0; p < parameters.size(); ++p)
                for (char const* const key : {"n", "bits", "range"}) CHECK(ours[d].at("parameters").at(p).at(key) == parameters[p].at(key));
        }
        ++compared;
    }
    std::cout << compared << " FCS samples compared through read --format json\n";
    CHECK(compared > 0);
}
