// Our own SoftMax Pro files against the tables beside them, and the shared ones that are no whole runs; the others are compared in
// catalog/.
#include <algorithm>
#include <catch2/catch.hpp>
#include <iostream>

#include "drivers/softmax/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

bool shared_absent() {
    if (std::filesystem::is_directory(shared_folder() / "instruments")) return false;
    std::cout << "softmax: no shared samples in " << shared_folder() << ", only our own small inputs were compared\n";
    return true;
}

}  // namespace

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
    CHECK(std::any_of(document->notes.begin(), document->notes.end(),
                      [](auto const& note) { return note.find("4 readings announced, 2 written") != std::string::npos; }));
}

TEST_CASE("our own SoftMax Pro files read as their tables say") { CHECK(own_files_hold(softmax_format(), "softmax", ".txt") >= 4); }

TEST_CASE("what cannot be read of a SoftMax Pro file is refused with its reason") {
    CHECK(refusals_hold(softmax_format(), "softmax", ".txt") >= 10);
}
