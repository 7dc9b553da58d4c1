// Our own ImmunoSpot files against the tables beside them, and what must hold for them and the shared ones.
#include <catch2/catch.hpp>

#include "drivers/immunospot/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> all() {
    return whole_files(immunospot_format(), {own_folder("immunospot"), shared_folder() / "instruments/files/ctl-immunospot"}, ".txt");
}

}  // namespace

TEST_CASE("our own ImmunoSpot files read as their tables say") { CHECK(own_files_hold(immunospot_format(), "immunospot", ".txt") >= 2); }
TEST_CASE("what cannot be read of a ImmunoSpot file is refused with its reason") {
    CHECK(refusals_hold(immunospot_format(), "immunospot", ".txt") >= 6);
}
TEST_CASE("no beginning of an ImmunoSpot file passes for the whole (field 62)") {
    no_beginning_passes(immunospot_format(), all(), only_line_end);
}
TEST_CASE("a changed digit of a ImmunoSpot file changes a value or is refused, and never moves a well") {
    changed_digits_move_no_well(immunospot_format(), all());
}
TEST_CASE("a ImmunoSpot file reads the same in every encoding") { encodings_read_the_same(immunospot_format(), all()); }

TEST_CASE("users, computers and paths in an ImmunoSpot export are blanked, and the copy reads the same") {
    for (std::string_view const name : {"Doe", "DOEPC"})
        names_are_blanked(immunospot_format(), slurp(own_folder("immunospot") / "coded.txt"), name);
}

TEST_CASE("an ImmunoSpot count has its own key only with the plate's code") {
    auto const coded = immunospot_format().parse(slurp(own_folder("immunospot") / "coded.txt"));
    auto const without = immunospot_format().parse(slurp(own_folder("immunospot") / "no-code.txt"));
    REQUIRE(coded);
    REQUIRE(without);
    CHECK(coded->identity == "immunospot:S6-1|Fri Apr 03 14:44:50 2026|K0012");
    CHECK(without->identity.empty());
}
