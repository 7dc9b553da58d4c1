// Every Magellan workbook of the shared samples and of our own against the table beside it, and what must hold for all of them.
#include <catch2/catch.hpp>
#include <iostream>

#include "drivers/catalog.hpp"
#include "drivers/magellan/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"
#include "tests/drivers/workbook_properties.hpp"

using namespace marrowlink;
using namespace plate_test;
using namespace workbook_test;

TEST_CASE("the shared Magellan workbook without well positions is refused by name") {
    auto const file = shared_folder() / "instruments/files/tecan-magellan/no_well_positions.xlsx";
    if (!std::filesystem::exists(file)) {
        std::cout << "magellan: no shared samples\n";
        return;
    }
    auto const format = recognise(slurp(file));
    REQUIRE(format);
    CHECK((*format)->name == "tecan-magellan");
    auto const document = (*format)->parse(slurp(file));
    REQUIRE_FALSE(document);
    CHECK(document.error().message ==
          "Sheet 'Magellan Sheet 1' cell A1: the list has no well positions: there is no column 'Well positions'.");
}

TEST_CASE("our own Magellan workbooks read as their tables say") {
    CHECK(own_files_hold(magellan_format(), "magellan", ".sheets", workbook_of) >= 3);
}
TEST_CASE("what cannot be read of a Magellan workbook is refused with its reason") {
    CHECK(refusals_hold(magellan_format(), "magellan", ".sheets", workbook_of) >= 18);
}
TEST_CASE("a Magellan workbook reads the same however it is written (field 63)") {
    every_writing_reads_the_same(magellan_format(), "magellan");
}
TEST_CASE("no beginning of a Magellan workbook passes for the whole (field 62)") {
    no_part_of_a_workbook_passes(magellan_format(), "magellan", "tecan-magellan");
}

TEST_CASE("rows of a Magellan list that name no plate are of the only one named, and a note says so") {
    auto const document = magellan_format().parse(workbook_of(slurp(own_folder("magellan") / "one-plate.sheets")));
    REQUIRE(document);
    CHECK(document->notes == std::vector<std::string>{"Rows from 4 on name no plate; they are taken for 'P7', the only one named."});
    CHECK(document->identity == "magellan:12901000069|2021-07-06 09:43:07|P7");
    CHECK(document->started == "2021-07-06 09:43:07");
    auto const other = magellan_format().parse(workbook_of(slurp(own_folder("magellan") / "no-plate-1536.sheets")));
    REQUIRE(other);
    CHECK(other->notes == std::vector<std::string>{"The column 'Blank reduced' was left out: no setting belongs to it.",
                                                   "The list names no plate; it is called by the file that defines it."});
}

TEST_CASE("user and paths of a Magellan workbook do not leave the site") {
    std::string const text = slurp(own_folder("magellan") / "one-plate.sheets");
    names_do_not_leave(magellan_format(), workbook_of(text), "Doe");
    names_do_not_leave(magellan_format(), workbook_of(text, {.inline_strings = true, .core = "<creator>Doe</creator>", .comment = "Doe"}),
                       "Doe");
}

TEST_CASE("paths of the shared Magellan workbooks do not leave the site") {
    for (auto const& file : files_of(shared_folder() / "instruments/files/tecan-magellan", ".xlsx"))
        if (std::string const bytes = slurp(file); magellan_format().parse(bytes)) names_do_not_leave(magellan_format(), bytes, "wsp");
}
