// Our own Lunatic files against the tables beside them, and what must hold for them and the shared ones.
#include <catch2/catch.hpp>

#include "drivers/list_table.hpp"
#include "drivers/lunatic/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> all() {
    return whole_files(lunatic_format(), {own_folder("lunatic"), shared_folder() / "instruments/files/unchained-lunatic"}, ".csv");
}

}  // namespace

TEST_CASE("our own Lunatic files read as their tables say") { CHECK(own_files_hold(lunatic_format(), "lunatic", ".csv") >= 2); }
TEST_CASE("what cannot be read of a Lunatic file is refused with its reason") {
    CHECK(refusals_hold(lunatic_format(), "lunatic", ".csv") >= 10);
}
TEST_CASE("a cut Lunatic file is refused, or loses whole rows and nothing else (field 62)") {
    cuts_lose_whole_rows(lunatic_format(), all());
}
TEST_CASE("a changed digit of a Lunatic file changes that cell alone or is refused") {
    changed_digits_stay_in_their_cell(lunatic_format(), all());
}
TEST_CASE("a Lunatic file reads the same in every encoding") { encodings_read_the_same(lunatic_format(), all()); }

TEST_CASE("persons in the head of a Lunatic export are blanked, and the copy reads the same") {
    names_are_blanked(lunatic_format(), slurp(own_folder("lunatic") / "with-head.csv"), "Doe");
}

TEST_CASE("a Lunatic run is its instrument, start and plates, and unknown columns stay at the site") {
    std::string bytes = slurp(own_folder("lunatic") / "without-head.csv");
    auto const document = lunatic_format().parse(bytes);
    REQUIRE(document);
    CHECK(document->identity == "lunatic:7|03/04/2026 08:09:10|K-12");
    CHECK(document->started == "03/04/2026 08:09:10");
    CHECK(document->name_bearing.empty());
    bytes.replace(bytes.find("Pump"), 4, "Prep");
    auto const prepared = lunatic_format().parse(bytes);
    REQUIRE(prepared);
    CHECK(prepared->readings == document->readings);
    CHECK(prepared->name_bearing.size() == 3);
    CHECK(prepared->notes.back() == "Left out as not known here: 'Prep'.");
}

TEST_CASE("a Lunatic export of a European computer reads the same (field 63)") {
    std::string const english = slurp(own_folder("lunatic") / "without-head.csv");
    std::string european;
    for (char const c : english) european += c == ',' ? ';' : c == '.' ? ',' : c;
    auto const expected = lunatic_format().parse(english), read = lunatic_format().parse(european);
    REQUIRE(expected);
    if (!read) FAIL(read.error().message);
    CHECK(read->readings == expected->readings);
}

TEST_CASE("limits of a list") {
    std::string const heading = "Plate ID,Plate Position,Sample name,A260,Date,Time,Application,Instrument ID\n";
    auto const list = [&](std::size_t above, std::string const& sample) {
        return std::string(above, '\n') + heading + "K,A1," + sample + ",0.5,d,t,a,7\n";
    };
    auto const taken = [](std::string const& bytes) { return lunatic_format().parse(bytes).has_value(); };
    std::string const breaks(row_lines_max - 1, '\n');
    CHECK(taken(list(0, "\"s" + breaks + "\"")));
    CHECK_FALSE(taken(list(0, "\"s" + breaks + "\n\"")));
    CHECK(taken(list(heading_line_max - 1, "s")));
    CHECK_FALSE(taken(list(heading_line_max, "s")));
    std::size_t const others = list(0, "").size() - heading.size() - 1;
    CHECK(taken(list(0, std::string(row_bytes_max - others, 's'))));
    CHECK_FALSE(taken(list(0, std::string(row_bytes_max - others + 1, 's'))));
    std::string rows = heading;
    for (std::size_t row = 0; row < list_cells_max / 8; ++row) rows += "K,A1,s" + std::to_string(row) + ",0.5,d,t,a,7\n";
    CHECK(taken(rows));
    CHECK_FALSE(taken(rows + "K,A1,s,0.5,d,t,a,7\n"));
}
