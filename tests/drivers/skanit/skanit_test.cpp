// Every SkanIt workbook of the shared samples and of our own against the table beside it, and what must hold for all of them.
#include <catch2/catch.hpp>

#include "drivers/skanit/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"
#include "tests/drivers/workbook_properties.hpp"

using namespace marrowlink;
using namespace plate_test;
using namespace workbook_test;

TEST_CASE("our own SkanIt workbooks read as their tables say") {
    CHECK(own_files_hold(skanit_format(), "skanit", ".sheets", workbook_of) >= 2);
}
TEST_CASE("what cannot be read of a SkanIt workbook is refused with its reason") {
    CHECK(refusals_hold(skanit_format(), "skanit", ".sheets", workbook_of) >= 18);
}
TEST_CASE("a SkanIt workbook reads the same however it is written (field 63)") { every_writing_reads_the_same(skanit_format(), "skanit"); }
TEST_CASE("no beginning of a SkanIt workbook passes for the whole (field 62)") {
    no_part_of_a_workbook_passes(skanit_format(), "skanit", "thermo-skanit");
}
TEST_CASE("a changed digit of a SkanIt sheet changes a value or is refused, and never moves a well") {
    changed_digits_of_sheets_move_no_well(skanit_format(), "skanit");
}

TEST_CASE("a SkanIt workbook says when it was measured, as written and as a date") {
    std::string const text = slurp(own_folder("skanit") / "two-wavelengths-two-plates.sheets");
    auto const document = skanit_format().parse(workbook_of(text));
    REQUIRE(document);
    CHECK(document->started == "45835.458333333336 (2025-06-27 11:00:00)");
    CHECK(document->identity == "skanit:assay 7.skax|45835.458333333336 (2025-06-27 11:00:00)");
    CHECK(document->plate == "Plate 1");
    CHECK(document->readings[1].value == "0.44450000000000001");
    CHECK(document->readings[4].flag == "OVER");
    CHECK(document->readings[4].value.empty());
    CHECK(document->name_bearing.empty());
}

TEST_CASE("fields of a SkanIt workbook in which a name may stand do not leave the site") {
    std::string const text = slurp(own_folder("skanit") / "two-wavelengths-two-plates.sheets");
    for (std::string const field : {"Session notes\t\t\tfor Jane Doe", "Executed by\t\t\tJane Doe"}) {
        std::string more = text;
        more.insert(more.find("\tExecution time"), "\t" + field + "\n");
        auto const document = skanit_format().parse(workbook_of(more));
        REQUIRE(document);
        names_do_not_leave(skanit_format(), workbook_of(more), "Doe");
        names_do_not_leave(skanit_format(), workbook_of(more, {.inline_strings = true}), "Doe");
    }
}
