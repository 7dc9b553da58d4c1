// Every SoftMax Pro file of the shared samples and of our own against the table beside it.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>

#include "core/json.hpp"
#include "drivers/catalog.hpp"
#include "drivers/softmax/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;
namespace fs = std::filesystem;

namespace {

bool shared_absent() {
    if (fs::is_directory(shared_folder() / "instruments")) return false;
    std::cout << "softmax: no shared samples in " << shared_folder() << ", only our own small inputs were compared\n";
    return true;
}

std::string_view meaning(std::string_view flag) {
    static std::map<std::string_view, std::string_view> const meanings{
        {"#SAT", "saturated"}, {"#Low", "no signal (missed flash)"}, {"Range?", "out of range"}, {"Path?", "path length failed"}};
    auto const found = meanings.find(flag);
    return found == meanings.end() ? flag : found->second;
}

bool noted(Document const& document, std::string_view words) {
    return std::any_of(document.notes.begin(), document.notes.end(),
                       [&](std::string const& note) { return note.find(words) != std::string::npos; });
}

}  // namespace

TEST_CASE("every shared SoftMax Pro file reads as its table says") {
    if (auto const compared = shared_files_hold(softmax_format(), "moldev-softmax-pro", nullptr, {"no_measurements.txt"}))
        CHECK(*compared == Compared{8, 1296});
}

// The file announces one block and has no ~End and no last line, as one that is still being written: it is not taken. What is there can be
// looked at, and is what the table says.
TEST_CASE("a SoftMax Pro file without its end is shown and not taken (field 62)") {
    if (shared_absent()) return;
    std::string const bytes = slurp(shared_folder() / "instruments/files/moldev-softmax-pro/no_measurements.txt");
    CHECK(bytes.find("~End") == std::string::npos);
    CHECK(softmax_format().completeness(bytes).missing == "0 of 1 blocks have their ~End");
    CHECK_FALSE(softmax_format().parse(bytes));
    auto const shown = softmax_format().present(bytes);
    REQUIRE(shown);
    CHECK(shown->readings.size() == 6);
    for (auto const& reading : shown->readings) {
        CHECK(reading.flag == "NaN");
        CHECK(reading.value.empty());
        CHECK(reading.wavelength_nm == "505");
        CHECK(reading.excitation_nm == "380");
    }
}

TEST_CASE("a SoftMax Pro run that was stopped is kept and said") {
    if (shared_absent()) return;
    auto const document =
        softmax_format().parse(slurp(shared_folder() / "instruments/files/moldev-softmax-pro/missing_kinetic_measurement.txt"));
    if (!document) FAIL(document.error().message);
    CHECK(document->readings.size() == 12);
    CHECK(std::count_if(document->readings.begin(), document->readings.end(), [](auto const& one) { return one.flag == "NaN"; }) == 1);
    CHECK(noted(*document, "4 readings announced, 2 written"));

    fs::path const folder = shared_folder() / "instruments/cases/softmax-kinetic-stopped-early";
    auto const expected = json_of(folder / "expected.json");
    auto const stopped = softmax_format().parse(slurp(folder / "input.txt"));
    if (!stopped) FAIL(stopped.error().message);
    CHECK(noted(*stopped, expected.at("incomplete").as_string()));
    CHECK(stopped->readings.size() == static_cast<std::size_t>(expected.at("readings").as_int64()));
    for (auto const& part : {"first", "last"})
        for (auto const& [well, values] : expected.at(part).as_object()) {
            std::vector<Reading> of_well;
            for (auto const& reading : stopped->readings)
                if (reading.well == std::string_view{well}) of_well.push_back(reading);
            REQUIRE(of_well.size() == values.as_array().size());
            for (std::size_t i = 0; i < of_well.size(); ++i) {
                CHECK(std::stod(of_well[i].value) == values.as_array()[i].to_number<double>());
                CHECK(of_well[i].time_s == std::to_string(expected.at("times_s").as_array()[i].to_number<std::int64_t>()));
            }
        }
}

TEST_CASE("a SoftMax Pro plate without one of its rows is refused by name") {
    if (shared_absent()) return;
    fs::path const folder = shared_folder() / "instruments/files/moldev-softmax-pro";
    std::string const behaviour{json_of(folder / "missing_measurement_table_row.expected.json").at("right behaviour").as_string()};
    auto const document = softmax_format().parse(slurp(folder / "missing_measurement_table_row.txt"));
    REQUIRE_FALSE(document);
    CHECK(document.error().message.find(behaviour) != std::string::npos);
}

TEST_CASE("words in SoftMax Pro wells read as their case says (field 64)") {
    if (shared_absent()) return;
    fs::path const folder = shared_folder() / "instruments/cases/softmax-saturated-and-low";
    auto const expected = json_of(folder / "expected.json");
    auto const document = softmax_format().parse(slurp(folder / "input.txt"));
    if (!document) FAIL(document.error().message);
    same_as_case(document->readings, expected, meaning);
}

TEST_CASE("our own SoftMax Pro files read as their tables say") { CHECK(own_files_hold(softmax_format(), "softmax", ".txt") >= 4); }

TEST_CASE("what cannot be read of a SoftMax Pro file is refused with its reason") {
    CHECK(refusals_hold(softmax_format(), "softmax", ".txt") >= 10);
}
