// Our own Gen5 files against the tables beside them; the shared ones are compared in catalog/.
#include <catch2/catch.hpp>

#include "drivers/gen5/parse.hpp"
#include "tests/drivers/plate_properties.hpp"

using namespace marrowlink;
using namespace plate_test;

TEST_CASE("our own Gen5 files read as their tables say (field 64)") { CHECK(own_files_hold(gen5_format(), "gen5", ".txt") >= 5); }

TEST_CASE("what cannot be read is refused with its reason (field 63, 64)") { CHECK(refusals_hold(gen5_format(), "gen5", ".txt") >= 10); }
