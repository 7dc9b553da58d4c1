// Our own MARS files against the tables beside them, and what must hold for them and the shared ones, whose tables are compared in
// catalog/.
#include <catch2/catch.hpp>
#include <iostream>

#include "drivers/mars/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;
namespace fs = std::filesystem;

namespace {

fs::path shared_files() { return shared_folder() / "instruments/files/bmg-mars"; }

bool shared_absent() {
    if (fs::is_directory(shared_files())) return false;
    std::cout << "mars: no shared samples in " << shared_folder() << ", only our own small inputs were compared\n";
    return true;
}

std::vector<std::string> all() {
    auto files = whole_files(mars_format(), {own_folder("mars"), shared_files()}, ".csv");
    for (auto const& file : files_of(shared_files(), ".CSV")) files.push_back(slurp(file));
    return files;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
    return text;
}

}  // namespace

TEST_CASE("a MARS head with ' = ' is read, and the plate is not dropped") {
    if (shared_absent()) return;
    auto const document = mars_format().parse(slurp(shared_files() / "file_with_no_delimiter_malformed.csv"));
    if (!document) FAIL(document.error().message);
    CHECK(document->plate == "472-0016");
    CHECK(document->started == "03/03/2016 13:25:45");
    CHECK(document->readings.size() == 68);
    for (auto const& reading : document->readings) CHECK(reading.plate == "472-0016");
}

TEST_CASE("our own MARS files read as their tables say") { CHECK(own_files_hold(mars_format(), "mars", ".csv") >= 3); }
TEST_CASE("what cannot be read of a MARS file is refused with its reason") { CHECK(refusals_hold(mars_format(), "mars", ".csv") >= 8); }

TEST_CASE("no beginning of a MARS file passes for the whole (field 62)") {
    no_beginning_passes(mars_format(), all(), [](std::string_view rest) {
        if (only_line_end(rest)) return true;
        // Nothing says how many tables a file has…
        std::size_t const table = std::min(rest.find("Raw Data ("), rest.find("Blank corrected"));
        if (table != std::string_view::npos && rest.substr(0, table).find_first_not_of(",\r\n") == std::string_view::npos) return true;
        // …and a plate of 1,536 wells lists only the rows that were read.
        std::string_view const line = rest.substr(0, rest.find('\n'));
        return std::count(line.begin(), line.end(), ',') == 48;
    });
}
TEST_CASE("a changed digit of a MARS file changes a value or is refused, and never moves a well") {
    changed_digits_move_no_well(mars_format(), all());
}

TEST_CASE("a MARS export of a European computer reads the same (field 63)") {
    std::string const english = slurp(own_folder("mars") / "absorbance-96.csv");
    auto const expected = mars_format().parse(english);
    REQUIRE(expected);
    std::string const comma = replaced(replaced(english, ",", ";"), "0.", "0,");
    for (auto const& other : {comma, utf16le(english), utf16le(comma), "\xEF\xBB\xBF" + comma}) {
        auto const read = mars_format().parse(other);
        if (!read) FAIL(read.error().message);
        CHECK(read->readings == expected->readings);
        CHECK(read->identity == expected->identity);
    }
}

TEST_CASE("user and path of a MARS export are blanked, and the copy reads the same") {
    for (auto const& file : {"absorbance-96.csv", "luminescence-1536-part.csv"})
        names_are_blanked(mars_format(), slurp(own_folder("mars") / file), "Doe");
}
