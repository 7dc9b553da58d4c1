// Our own NanoDrop files against the tables beside them, and what must hold for them and the shared ones.
#include <catch2/catch.hpp>

#include "drivers/nanodrop/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> all() {
    return whole_files(nanodrop_format(), {own_folder("nanodrop"), shared_folder() / "instruments/files/thermo-nanodrop-8000"}, ".txt");
}

}  // namespace

TEST_CASE("our own NanoDrop files read as their tables say") { CHECK(own_files_hold(nanodrop_format(), "nanodrop", ".txt") >= 1); }
TEST_CASE("what cannot be read of a NanoDrop file is refused with its reason") {
    CHECK(refusals_hold(nanodrop_format(), "nanodrop", ".txt") >= 9);
}
TEST_CASE("a cut NanoDrop file is refused, or loses whole rows and nothing else (field 62)") {
    cuts_lose_whole_rows(nanodrop_format(), all());
}
TEST_CASE("a changed digit of a NanoDrop file changes that cell alone or is refused") {
    changed_digits_stay_in_their_cell(nanodrop_format(), all());
}
TEST_CASE("a NanoDrop file reads the same in every encoding") { encodings_read_the_same(nanodrop_format(), all()); }

TEST_CASE("users in a NanoDrop export are blanked, and the copy reads the same") {
    std::string const bytes = slurp(own_folder("nanodrop") / "protein.txt");
    names_are_blanked(nanodrop_format(), bytes, "Doe");
    names_are_blanked(nanodrop_format(), utf16le(bytes), "Doe");
}
