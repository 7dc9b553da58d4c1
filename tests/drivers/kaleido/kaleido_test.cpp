// Our own Kaleido files against the tables beside them, and what must hold for them and the shared ones, whose tables are compared in
// catalog/.
#include <catch2/catch.hpp>

#include "drivers/kaleido/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;
namespace fs = std::filesystem;

namespace {

fs::path shared_files() { return shared_folder() / "instruments/files/revvity-kaleido"; }

std::vector<std::string> all() { return whole_files(kaleido_format(), {own_folder("kaleido"), shared_files()}, ".csv"); }

}  // namespace

TEST_CASE("our own Kaleido files read as their tables say") { CHECK(own_files_hold(kaleido_format(), "kaleido", ".csv") >= 3); }
TEST_CASE("what cannot be read of a Kaleido file is refused with its reason") {
    CHECK(refusals_hold(kaleido_format(), "kaleido", ".csv") >= 10);
}
TEST_CASE("no beginning of a Kaleido file passes for the whole (field 62)") { no_beginning_passes(kaleido_format(), all(), only_line_end); }
TEST_CASE("a changed digit of a Kaleido file changes a value or is refused, and never moves a well") {
    changed_digits_move_no_well(kaleido_format(), all());
}

TEST_CASE("a Kaleido export says the same in other encodings, and its signature is the run") {
    for (auto const& name : {"fluorescence-3.0.csv", "absorbance-2.0.csv"}) {
        std::string const original = slurp(own_folder("kaleido") / name);
        auto const expected = kaleido_format().parse(original);
        REQUIRE(expected);
        CHECK(expected->identity == "kaleido:2f305f44");
        std::string ascii = original;
        std::erase_if(ascii, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
        for (auto const& other : {ascii, utf16le(ascii), "\xEF\xBB\xBF" + original}) {
            CHECK(kaleido_format().recognises(other));
            auto const read = kaleido_format().parse(other);
            if (!read) FAIL(read.error().message);
            CHECK(read->readings == expected->readings);
            CHECK(read->identity == expected->identity);
        }
    }
}

TEST_CASE("owners, paths and comments in a Kaleido export are blanked, and the copy reads the same") {
    for (auto const& name : {"fluorescence-3.0.csv", "absorbance-2.0.csv", "luminescence-3.5-padded.csv"})
        names_are_blanked(kaleido_format(), slurp(own_folder("kaleido") / name), "Doe");
}
