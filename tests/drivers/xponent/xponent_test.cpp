// Our own xPONENT files against the tables beside them, and what must hold for them and the shared ones.
#include <catch2/catch.hpp>

#include "drivers/xponent/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> all() {
    return whole_files(xponent_format(), {own_folder("xponent"), shared_folder() / "instruments/files/luminex-xponent"}, ".csv");
}

}  // namespace

TEST_CASE("our own xPONENT files read as their tables say") { CHECK(own_files_hold(xponent_format(), "xponent", ".csv") >= 2); }
TEST_CASE("what cannot be read of a xPONENT file is refused with its reason") {
    CHECK(refusals_hold(xponent_format(), "xponent", ".csv") >= 9);
}
TEST_CASE("a cut xPONENT file is refused, or loses whole rows and nothing else (field 62)") {
    cuts_lose_whole_rows(xponent_format(), all());
}
TEST_CASE("a changed digit of a xPONENT file changes that cell alone or is refused") {
    changed_digits_stay_in_their_cell(xponent_format(), all());
}
TEST_CASE("a xPONENT file reads the same in every encoding") { encodings_read_the_same(xponent_format(), all()); }

TEST_CASE("operators, computers and audit logs in an xPONENT export are blanked, and the copy reads the same") {
    for (std::string const& original : {slurp(own_folder("xponent") / "one-plate.csv")})
        for (std::string const& bytes : {original, utf16le(original)})
            for (std::string_view const name : {"Doe", "DOEPC"}) names_are_blanked(xponent_format(), bytes, name);
}

TEST_CASE("an xPONENT run is its serial number, start and batch") {
    auto const document = xponent_format().parse(slurp(own_folder("xponent") / "one-plate.csv"));
    REQUIRE(document);
    CHECK(document->identity == "xponent:FM3D1|4/3/2026 6:42:29 PM|K_184221");
}
