// Every Smart Control workbook of the shared samples and of our own against the table beside it, and what must hold for all of them.
#include <catch2/catch.hpp>

#include "drivers/smartcontrol/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"
#include "tests/drivers/workbook_properties.hpp"

using namespace marrowlink;
using namespace plate_test;
using namespace workbook_test;

TEST_CASE("our own Smart Control workbooks read as their tables say") {
    CHECK(own_files_hold(smart_control_format(), "smartcontrol", ".sheets", workbook_of) >= 4);
}
TEST_CASE("what cannot be read of a Smart Control workbook is refused with its reason") {
    CHECK(refusals_hold(smart_control_format(), "smartcontrol", ".sheets", workbook_of) >= 13);
}
TEST_CASE("a Smart Control workbook reads the same however it is written (field 63)") {
    every_writing_reads_the_same(smart_control_format(), "smartcontrol");
}
TEST_CASE("no beginning of a Smart Control workbook passes for the whole (field 62)") {
    no_part_of_a_workbook_passes(smart_control_format(), "smartcontrol", "bmg-smart-control");
}
TEST_CASE("a changed digit of a Smart Control sheet changes a value or is refused, and never moves a well") {
    changed_digits_of_sheets_move_no_well(smart_control_format(), "smartcontrol");
}

TEST_CASE("the run, its plate and what was left out of a Smart Control workbook are told") {
    auto const document = smart_control_format().parse(workbook_of(slurp(own_folder("smartcontrol") / "fluorescence-both-sheets.sheets")));
    REQUIRE(document);
    CHECK(document->plate == "Plate 2");
    CHECK(document->started == "11/12/2024 1:06:28 PM");
    CHECK(document->identity == "smart-control:11|11/12/2024 1:06:28 PM|PicoGreen|0069|Plate 2");
    CHECK(document->readings.front().value == "8168026.0");
    CHECK(document->notes.size() == 6);  // two sections, a line of the table, three ids
}

TEST_CASE("user and path of a Smart Control workbook do not leave the site") {
    std::string const text = slurp(own_folder("smartcontrol") / "fluorescence-both-sheets.sheets");
    names_do_not_leave(smart_control_format(), workbook_of(text), "oe");
    names_do_not_leave(smart_control_format(), workbook_of(text, {.inline_strings = true}), "oe");
}

TEST_CASE("paths of the shared Smart Control workbooks do not leave the site") {
    for (auto const& file : files_of(shared_folder() / "instruments/files/bmg-smart-control", ".xlsx"))
        if (std::string const bytes = slurp(file); smart_control_format().parse(bytes))
            names_do_not_leave(smart_control_format(), bytes, "Program Files");
}
