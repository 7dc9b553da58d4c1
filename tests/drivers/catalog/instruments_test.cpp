// The table of instruments is whole, and the page says what the program says.
#include "drivers/instruments.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "drivers/catalog.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;

TEST_CASE("every export format stands in the table of instruments once") {
    for (ExportFormat const& format : export_formats()) {
        INFO(format.name);
        CHECK(std::count_if(instruments().begin(), instruments().end(), [&](auto const& one) { return one.format == format.name; }) == 1);
    }
    for (InstrumentEntry const& one : instruments()) {
        INFO(one.title);
        for (std::string_view const text : {one.driver, one.transports, one.reads, one.refuses, one.sure}) {
            CHECK_FALSE(text.empty());
            CHECK(text.find('|') == std::string_view::npos);
        }
        auto const formats = export_formats();
        CHECK((one.format.empty() ||
               std::any_of(formats.begin(), formats.end(), [&](auto const& known) { return known.name == one.format; })));
    }
}

TEST_CASE("docs/instruments.md is what `marrowlink-gateway instruments --markdown` prints") {
    CHECK(plate_test::slurp(std::filesystem::path{MARROWLINK_SOURCE_DIR} / "docs/instruments.md") == instruments_page());
}
