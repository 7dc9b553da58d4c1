// Our own Qubit files against the tables beside them, and what must hold for them and the shared ones.
#include <catch2/catch.hpp>

#include "drivers/qubit/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> all() {
    return whole_files(qubit_format(), {own_folder("qubit"), shared_folder() / "instruments/files/thermo-qubit4"}, ".csv");
}

}  // namespace

TEST_CASE("our own Qubit files read as their tables say") { CHECK(own_files_hold(qubit_format(), "qubit", ".csv") >= 1); }
TEST_CASE("what cannot be read of a Qubit file is refused with its reason") { CHECK(refusals_hold(qubit_format(), "qubit", ".csv") >= 7); }
TEST_CASE("a cut Qubit file is refused, or loses whole rows and nothing else (field 62)") { cuts_lose_whole_rows(qubit_format(), all()); }
TEST_CASE("a changed digit of a Qubit file changes that cell alone or is refused") {
    changed_digits_stay_in_their_cell(qubit_format(), all());
}
TEST_CASE("a Qubit file reads the same in every encoding") { encodings_read_the_same(qubit_format(), all()); }
