// Plates in the Allotrope Simple Model: what stands where, by the requirements of REC/2025/03 as docs/allotrope.md has them, and that no
// reading is lost or made up on the way.
#include "drivers/allotrope.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <set>

#include "core/text.hpp"
#include "drivers/catalog.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
namespace fs = std::filesystem;

namespace {
AllotropeSource const source{std::string(64, 'a'), "Some export", "2026-03-04T14:05:09+01:00"};

Reading reading(std::string read, std::string well, std::string value, std::string unit) {
    Reading out;
    out.plate = "PLT-1";
    out.read = std::move(read);
    out.well = std::move(well);
    out.value = std::move(value);
    out.unit = std::move(unit);
    return out;
}

json::value model_of(std::vector<Reading> readings) {
    Document document;
    document.readings = std::move(readings);
    auto model = allotrope_of(document, source);
    if (!model) FAIL(model.error().message);
    return json::value(*std::move(model));
}

Error refusal_of(Document const& document, AllotropeSource const& from = source) {
    auto const model = allotrope_of(document, from);
    REQUIRE_FALSE(model);
    return model.error();
}
Error refusal_of(std::vector<Reading> readings) {
    Document document;
    document.readings = std::move(readings);
    return refusal_of(document);
}

std::vector<json::object> measurements_of(json::value const& model) {
    std::vector<json::object> out;
    for (auto const& well : model.at("plate reader aggregate document").at("plate reader document").as_array())
        for (auto const& one : well.at("measurement aggregate document").at("measurement document").as_array())
            out.push_back(one.as_object());
    return out;
}

json::value const& control_of(json::object const& measurement) {
    return measurement.at("device control aggregate document").at("device control document").at(0);
}
std::string quantity(double value, std::string const& unit) {
    json::value const number =
        value == static_cast<double>(static_cast<std::int64_t>(value)) ? json::value(static_cast<std::int64_t>(value)) : json::value(value);
    return json::serialize(json::object{{"value", number}, {"unit", unit}});
}

// What the model requires of every document, and the counts of what it holds.
struct Held {
    std::size_t values = 0, words = 0;
    std::multiset<std::pair<std::string, double>> by_well;
};
Held check_structure(json::value const& model) {
    Held held;
    CHECK(model.at("$asm.manifest").as_string() == allotrope_manifest);
    json::value const& aggregate = model.at("plate reader aggregate document");
    json::object const& data_system = aggregate.at("data system document").as_object();
    for (char const* const key : {"ASM file identifier", "data system instance identifier", "database primary key"})
        CHECK(data_system.at(key).is_string());
    CHECK_FALSE(data_system.contains("file name"));  // neither it nor a folder may leave
    std::set<std::string> identifiers;
    for (auto const& well : aggregate.at("plate reader document").as_array()) {
        json::value const& group = well.at("measurement aggregate document");
        CHECK(group.at("measurement time").as_string() == source.measured);
        CHECK(group.at("plate well count").at("unit").as_string() == "#");
        REQUIRE(!group.at("measurement document").as_array().empty());
        for (auto const& one : group.at("measurement document").as_array()) {
            json::object const& measurement = one.as_object();
            CHECK(identifiers.insert(std::string{measurement.at("measurement identifier").as_string()}).second);
            CHECK(measurement.at("sample document").at("sample identifier").is_string());
            CHECK(measurement.at("sample document").at("location identifier").is_string());
            CHECK(control_of(measurement).at("device type").as_string() == "plate reader");
            std::string const place{measurement.at("sample document").at("sample identifier").as_string()};
            std::size_t results = 0;
            for (char const* const feature : {"absorbance", "fluorescence", "luminescence"}) {
                if (!measurement.contains(feature)) continue;
                ++results;
                ++held.values;
                CHECK(measurement.at(feature).at("value").is_number());
                held.by_well.emplace(place, measurement.at(feature).at("value").to_number<double>());
            }
            for (auto const& [name, member] : measurement) {
                if (!std::string_view{name}.ends_with("data cube")) continue;
                ++results;
                auto const& places = member.at("data").at("dimensions").at(0).as_array();
                auto const& values = member.at("data").at("measures").at(0).as_array();
                REQUIRE(places.size() == values.size());
                bool any = false;
                for (std::size_t i = 0; i < values.size(); ++i) {
                    CHECK(places[i].is_number());
                    CHECK((values[i].is_number() || values[i].is_null()));
                    any = any || values[i].is_number();
                    held.values += values[i].is_number();
                    if (values[i].is_number()) held.by_well.emplace(place, values[i].to_number<double>());
                }
                CHECK(any);
            }
            CHECK(results <= 1);
            if (auto const* const errors = measurement.if_contains("error aggregate document"))
                held.words += errors->at("error document").as_array().size();
            CHECK((results == 1 || measurement.contains("error aggregate document")));
        }
    }
    return held;
}
}  // namespace

TEST_CASE("an absorbance is in mAU, rounded once, with its wavelength") {
    auto const model = model_of({reading("OD600", "A1", "0.0571", "OD"), reading("OD600", "A2", "1.5E-3", "OD"),
                                 reading("OD600", "A3", "-0.004", "OD"), reading("OD600", "B1", "2", "OD")});
    check_structure(model);
    auto const all = measurements_of(model);
    REQUIRE(all.size() == 4);
    CHECK(json::serialize(all[0].at("absorbance")) == quantity(57.1, "mAU"));
    CHECK(json::serialize(all[1].at("absorbance")) == quantity(1.5, "mAU"));
    CHECK(json::serialize(all[2].at("absorbance")) == quantity(-4, "mAU"));
    CHECK(json::serialize(all[3].at("absorbance")) == quantity(2000, "mAU"));
    CHECK(all[3].at("sample document").at("sample identifier").as_string() == "PLT-1 B1");
    CHECK(control_of(all[0]).at("detection type").as_string() == "Absorbance");

    Reading at600 = reading("OD", "A1", "0.1", "OD");
    at600.wavelength_nm = "600";
    CHECK(json::serialize(control_of(measurements_of(model_of({at600}))[0]).at("detector wavelength setting")) == quantity(600, "nm"));
}

TEST_CASE("fluorescence and luminescence have the model's units, and what the file says stands beside them") {
    Reading light = reading("FRET", "H12", "4711", "Counts");
    light.excitation_nm = "320";
    light.wavelength_nm = "665";
    Reading full = reading("Lum", "H12", "12", "RLU");
    full.wavelength_nm = "0";  // all light
    auto const all = measurements_of(model_of({light, full, reading("US", "H12", "7", "CPS")}));
    REQUIRE(all.size() == 3);
    CHECK(json::serialize(all[0].at("fluorescence")) == quantity(4711, "RFU"));
    CHECK(json::serialize(control_of(all[0]).at("excitation wavelength setting")) == quantity(320, "nm"));
    CHECK(json::serialize(all[0]).find(R"("datum label":"unit as exported","scalar string datum":"Counts")") != std::string::npos);
    CHECK(json::serialize(all[1].at("luminescence")) == quantity(12, "RLU"));
    CHECK_FALSE(control_of(all[1]).as_object().contains("detector wavelength setting"));
    CHECK(json::serialize(all[2].at("luminescence")) == quantity(7, "Counts/s"));
}

TEST_CASE("no number is made up where a word stands; a number with a word keeps both") {
    Reading over = reading("OD", "A1", "", "OD"), masked = reading("OD", "A2", "0.5", "OD");
    over.flag = "OVRFLW";
    masked.flag = "masked";
    auto const model = model_of({over, masked});
    Held const held = check_structure(model);
    CHECK(held.values == 1);
    CHECK(held.words == 2);
    auto const all = measurements_of(model);
    CHECK_FALSE(all[0].contains("absorbance"));
    CHECK(all[0].at("error aggregate document").at("error document").at(0).at("error").as_string() == "OVRFLW");
    CHECK(json::serialize(all[1].at("absorbance")) == quantity(500, "mAU"));
}

TEST_CASE("readings in time are a profile, readings over wavelengths a spectrum, and others points") {
    std::vector<Reading> kinetic, spectrum, excitation, points;
    for (int i = 0; i < 3; ++i) {
        kinetic.push_back(reading("Kin", "A1", i == 1 ? "" : std::to_string(10 + i), "RFU"));
        kinetic.back().time_s = std::to_string(30 * i);
        if (i == 1) kinetic.back().flag = "OVRFLW";
        spectrum.push_back(reading("Scan", "A1", "0." + std::to_string(i + 1), "OD"));
        spectrum.back().wavelength_nm = std::to_string(300 + 10 * i);
        excitation.push_back(reading("Ex", "A1", std::to_string(i), "RFU"));
        excitation.back().wavelength_nm = "535";
        excitation.back().excitation_nm = std::to_string(400 + i);
        points.push_back(reading("Twice", "A1", std::to_string(i), "RLU"));
    }
    auto const profile = measurements_of(model_of(kinetic));
    REQUIRE(profile.size() == 1);
    auto const& cube = profile[0].at("fluorescence emission profile data cube");
    CHECK(json::serialize(cube.at("data")) == R"({"dimensions":[[0,30,60]],"measures":[[10,null,12]]})");
    CHECK(json::serialize(cube.at("cube-structure").at("dimensions")) ==
          R"([{"@componentDatatype":"double","concept":"elapsed time","unit":"s"}])");
    CHECK(profile[0].at("error aggregate document").at("error document").at(0).at("error").as_string() == "OVRFLW at 30 s");

    auto const scan = measurements_of(model_of(spectrum));
    REQUIRE(scan.size() == 1);
    CHECK(json::serialize(scan[0].at("absorption spectrum data cube").at("data")) ==
          R"({"dimensions":[[300,310,320]],"measures":[[100,200,300]]})");
    CHECK_FALSE(control_of(scan[0]).as_object().contains("detector wavelength setting"));

    auto const excited = measurements_of(model_of(excitation));
    REQUIRE(excited.size() == 1);
    CHECK(json::serialize(excited[0].at("fluorescence excitation spectrum data cube").at("data")) ==
          R"({"dimensions":[[400,401,402]],"measures":[[0,1,2]]})");
    CHECK(measurements_of(model_of(points)).size() == 3);

    for (Reading& one : kinetic) {
        one.value.clear();
        one.flag = "?????";
    }
    auto const silent = measurements_of(model_of(kinetic));
    CHECK_FALSE(silent.at(0).contains("fluorescence emission profile data cube"));  // a series of nulls is none
    CHECK(check_structure(model_of(kinetic)).words == 3);

    for (Reading& one : kinetic) one.unit = "CPS";
    CHECK(refusal_of(kinetic).message.find("no series of luminescence in counts a second") != std::string::npos);
}

TEST_CASE("a plate counts the wells of the smallest that holds what was read") {
    auto const wells = [](char const* well) {
        return model_of({reading("OD", well, "1", "OD")})
            .at("plate reader aggregate document")
            .at("plate reader document")
            .at(0)
            .at("measurement aggregate document")
            .at("plate well count")
            .at("value")
            .to_number<int>();
    };
    CHECK(wells("B3") == 6);
    CHECK(wells("A4") == 12);
    CHECK(wells("H12") == 96);
    CHECK(wells("A13") == 384);
    CHECK(wells("AF48") == 1536);
}

TEST_CASE("what the model has no place for is refused by name") {
    Document plate;
    plate.started = "03/04/2026 14:05";
    plate.readings = {reading("OD", "A1", "1", "OD")};
    for (char const* const time : {"", "03/04/2026 14:05", "2026-03-04T14:05:09", "2026-13-04T14:05:09Z", "2026-03-04T25:05:09Z"}) {
        Error const error = refusal_of(plate, {source.sha256, source.title, time});
        CHECK(error.fault == Fault::usage);
        CHECK(error.message.find("--measured") != std::string::npos);
        CHECK(error.message.find("The file says '03/04/2026 14:05'.") != std::string::npos);
    }
    CHECK(refusal_of({reading("Count", "A1", "1", "cells")}).message.find("'Count', A1 is in 'cells'") == 0);
    CHECK(refusal_of({reading("OD", "Sample 3", "1", "OD")}).message.find("no well of a plate") != std::string::npos);
    CHECK(refusal_of({reading("OD", "A1", "1e999", "OD")}).message.find("'1e999' is no number") != std::string::npos);
    for (char const* const far : {"1e99999999999", "1e2147483647", "1e-2147483648"})
        CHECK(refusal_of({reading("OD", "A1", far, "OD")}).fault == Fault::refused);
    CHECK(refusal_of(std::vector<Reading>{}).fault == Fault::refused);
    Document cells;
    cells.datasets.emplace_back();
    CHECK(refusal_of(cells).fault == Fault::refused);
}

TEST_CASE("of every plate among the samples each value and each word is in its document once") {
    std::size_t files = 0, values = 0, words = 0;
    std::vector<fs::path> folders{fs::path{MARROWLINK_SOURCE_DIR} / "tests/data"};
    if (fs::path const shared = plate_test::shared_folder() / "instruments/files"; fs::is_directory(shared)) folders.push_back(shared);
    for (fs::path const& folder : folders)
        for (auto const& entry : fs::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            std::string const bytes = plate_test::slurp(entry.path());
            auto const format = recognise(bytes);
            if (!format) continue;
            auto const document = (*format)->parse(bytes);
            if (!document || document->readings.empty()) continue;
            auto const model = allotrope_of(*document, source);
            if (!model) continue;
            INFO(entry.path());
            Held const held = check_structure(json::value(*model));
            Held expected;
            for (Reading const& one : document->readings) {
                std::string const place = one.plate.empty() ? one.well : utf8_of(one.plate) + ' ' + one.well;
                if (!one.value.empty()) expected.by_well.emplace(place, std::stod(one.value) * (one.unit == "OD" ? 1000 : 1));
                expected.values += !one.value.empty();
                expected.words += !one.flag.empty();
            }
            CHECK(held.values == expected.values);
            CHECK(held.words == expected.words);
            CHECK(std::equal(held.by_well.begin(), held.by_well.end(), expected.by_well.begin(), expected.by_well.end(),
                             [](auto const& a, auto const& b) {  // but for the product's last digit
                                 return a.first == b.first && std::fabs(a.second - b.second) <= 1e-12 * std::fabs(b.second);
                             }));
            ++files;
            values += held.values;
            words += held.words;
        }
    WARN("allotrope: " << files << " files, " << values << " values, " << words << " words");
    CHECK(files > 10);
}
