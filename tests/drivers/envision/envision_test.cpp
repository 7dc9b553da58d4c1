// Our own EnVision files against the tables beside them, and what must hold for them and the shared ones, whose tables are compared in
// catalog/.
#include <catch2/catch.hpp>

#include "drivers/envision/parse.hpp"
#include "drivers/text_table.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;
namespace fs = std::filesystem;

namespace {

fs::path shared_files() { return shared_folder() / "instruments/files/perkinelmer-envision"; }

std::vector<std::string> all() { return whole_files(envision_format(), {own_folder("envision"), shared_files()}, ".csv"); }

}  // namespace

TEST_CASE("our own EnVision files read as their tables say") { CHECK(own_files_hold(envision_format(), "envision", ".csv") >= 3); }
TEST_CASE("what cannot be read of an EnVision file is refused with its reason") {
    CHECK(refusals_hold(envision_format(), "envision", ".csv") >= 10);
}
TEST_CASE("no beginning of an EnVision file passes for the whole (field 62)") {
    // Empty lines may follow the last one.
    no_beginning_passes(envision_format(), all(), only_line_end);
}
TEST_CASE("a changed digit of an EnVision file changes a value or is refused, and never moves a well") {
    changed_digits_move_no_well(envision_format(), all());
}

TEST_CASE("an EnVision export says the same in other encodings and of a European computer (field 63)") {
    std::string const english = slurp(own_folder("envision") / "two-detectors.csv");
    auto const expected = envision_format().parse(english);
    REQUIRE(expected);
    std::string european;
    bool quoted = false;
    for (std::size_t i = 0; i < english.size(); ++i) {
        char const c = english[i];
        quoted = quoted != (c == '"');
        bool const decimal = c == '.' && i + 1 < english.size() && english[i + 1] >= '0' && english[i + 1] <= '9';
        european += c == ',' && !quoted ? ';' : decimal ? ',' : c;
    }
    for (auto const& other : {european, utf16le(english), utf16le(european), "\xEF\xBB\xBF" + european}) {
        auto const read = envision_format().parse(other);
        if (!read) FAIL(read.error().message);
        CHECK(read->readings == expected->readings);
        CHECK(read->identity == expected->identity);
    }
    CHECK(expected->identity == "envision:1050209|3134|10/13/2022 3:06:23 PM");
}

TEST_CASE("paths and editors in an EnVision export are blanked, and the copy reads the same") {
    names_are_blanked(envision_format(), slurp(own_folder("envision") / "two-detectors.csv"), "Doe");
    names_are_blanked(envision_format(), utf16le(slurp(own_folder("envision") / "absorbance-titled.csv")), "Doe");
}

TEST_CASE("cells in quotation marks") {
    std::vector<std::string> cells;
    REQUIRE(split_quoted("a,\"b, \"\"c\"\"\",,\" d \",e\"f", ',', cells));
    CHECK(cells == std::vector<std::string>{"a", "b, \"c\"", "", "d", "e\"f"});
    REQUIRE(split_quoted("", ';', cells));
    CHECK(cells == std::vector<std::string>{""});
    REQUIRE_FALSE(split_quoted("a,\"b", ',', cells));
}
