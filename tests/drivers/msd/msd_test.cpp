// Our own MSD Workbench files against the tables beside them, and what must hold for them and the shared ones.
#include <catch2/catch.hpp>

#include "drivers/msd/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> all() {
    return whole_files(msd_format(), {own_folder("msd"), shared_folder() / "instruments/files/msd-workbench"}, ".csv");
}

}  // namespace

TEST_CASE("our own MSD Workbench files read as their tables say") { CHECK(own_files_hold(msd_format(), "msd", ".csv") >= 1); }
TEST_CASE("what cannot be read of a MSD Workbench file is refused with its reason") {
    CHECK(refusals_hold(msd_format(), "msd", ".csv") >= 7);
}
TEST_CASE("a cut MSD Workbench file is refused, or loses whole rows and nothing else (field 62)") {
    cuts_lose_whole_rows(msd_format(), all());
}
TEST_CASE("a changed digit of a MSD Workbench file changes that cell alone or is refused") {
    changed_digits_stay_in_their_cell(msd_format(), all());
}
TEST_CASE("a MSD Workbench file reads the same in every encoding") { encodings_read_the_same(msd_format(), all()); }
