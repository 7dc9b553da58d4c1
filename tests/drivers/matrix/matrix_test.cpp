// Our own Matrix files against the tables beside them, and what must hold for them and the shared ones.
#include <catch2/catch.hpp>

#include "drivers/matrix/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> all() {
    return whole_files(matrix_format(), {own_folder("matrix"), shared_folder() / "instruments/files/revvity-matrix-cellaca"}, ".csv");
}

}  // namespace

TEST_CASE("our own Matrix files read as their tables say") { CHECK(own_files_hold(matrix_format(), "matrix", ".csv") >= 1); }
TEST_CASE("what cannot be read of a Matrix file is refused with its reason") {
    CHECK(refusals_hold(matrix_format(), "matrix", ".csv") >= 5);
}
TEST_CASE("a cut Matrix file is refused, or loses whole rows and nothing else (field 62)") { cuts_lose_whole_rows(matrix_format(), all()); }
TEST_CASE("a changed digit of a Matrix file changes that cell alone or is refused") {
    changed_digits_stay_in_their_cell(matrix_format(), all());
}
TEST_CASE("a Matrix file reads the same in every encoding") { encodings_read_the_same(matrix_format(), all()); }

TEST_CASE("notes in a Matrix export are blanked, and the copy reads the same") {
    names_are_blanked(matrix_format(), slurp(own_folder("matrix") / "two-wells.csv"), "Doe");
}
