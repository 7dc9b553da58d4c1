#include "central/analysis/layout.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "central/analysis/identifying.hpp"
#include "central/analysis/sample_sheet.hpp"

namespace marrowlink::analysis {
namespace {
// 24 wells: two drugs in three doses, twice; four negative, four positive, four empty.
std::string layout_text(std::string const& separator = ",") {
    std::string out = "well,drug,concentration,unit,role,replicate\n";
    for (std::uint32_t row = 1; row <= 4; ++row)
        for (std::uint32_t column = 1; column <= 6; ++column) {
            out += well_name(row, column);
            if (column == 1) out += ",,,,negative,";
            if (column == 2) out += ",BzCl,100,uM,positive,";
            if (column == 6) out += ",,,,empty,";
            if (column > 2 && column < 6)
                out += fmt::format(",{},{},{},sample,{}", row % 2 == 0 ? "drug b" : "drug a",
                                   column == 3   ? "0.5"
                                   : column == 4 ? "5"
                                                 : "0.05",
                                   column == 5 ? "mM" : "uM", (row + 1) / 2);
            out += '\n';
        }
    for (char& c : out)
        if (c == ',') c = separator[0];
    return out;
}
std::string replaced(std::string text, std::string const& what, std::string const& by) {
    auto const at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}
std::string refusal(std::string const& text) {
    auto const layout = PlateLayout::read(text, "l.csv");
    REQUIRE_FALSE(layout);
    CHECK(layout.error().fault == Fault::refused);
    return layout.error().message;
}
std::string sheet_refusal(std::string const& text) {
    auto const sheet = SampleSheet::read(text, "s.csv");
    REQUIRE_FALSE(sheet);
    return sheet.error().message;
}
}  // namespace

TEST_CASE("a layout says of every well what stands in it; concentrations stay the text they were") {
    for (char const* separator : {",", ";", "\t"}) {
        auto const layout = PlateLayout::read(layout_text(separator), "l.csv");
        if (!layout) FAIL(layout.error().message);
        CHECK(layout->shape.rows == 4);
        CHECK(layout->wells.size() == 24);
        LayoutWell const* const well = layout->find({2, 5});
        REQUIRE(well);
        CHECK(well->name == "B5");
        CHECK(well->drug == "drug b");
        CHECK(well->dose->text == "0.05");
        CHECK(well->dose->unit == "mM");
        CHECK(well->dose->nm == 50'000.0);
        CHECK(well->replicate == 1);
        CHECK(layout->find({1, 1})->role == Role::negative);
        CHECK(layout->find({1, 2})->drug == "BzCl");
        CHECK(layout->find({5, 1}) == nullptr);
        CHECK(layout->find({1, 7}) == nullptr);
    }
}

TEST_CASE("concentrations are read once, with their unit") {
    CHECK(concentration("0.1", "uM")->nm == 100.0);
    CHECK(concentration("0.3", "M")->nm == 3e8);
    CHECK(concentration("7", "\u00b5M")->nm == 7000.0);
    CHECK(concentration("7", "\u03bcM")->nm == 7000.0);
    for (char const* text : {"", "0", "0.000", "-1", "1,5", "1e3", "NaN", "inf", "1.", ".5", " 1"}) {
        INFO(text);
        CHECK_FALSE(concentration(text, "nM"));
    }
    for (char const* unit : {"", "nm", "mol", "%", "ug/mL"}) {
        INFO(unit);
        CHECK_FALSE(concentration("1", unit));
    }
}

TEST_CASE("what is wrong with a layout is named with file, line and column") {
    std::string const good = layout_text();
    CHECK(refusal(replaced(good, "A2,BzCl", "A1,BzCl")) ==
          "l.csv, line 3, column well: well A1 occurs twice, first at l.csv, line 2, column well.");
    CHECK(refusal(replaced(good, "A2,BzCl", "A01,BzCl")).find("occurs twice") != std::string::npos);
    CHECK(refusal(replaced(good, "A1,,,,negative,\n", "")) ==
          "l.csv: 1 of the 24 wells of the plate are not named (A1); a well that holds nothing has the role empty.");
    CHECK(refusal(replaced(good, "0.5,uM", "0.5,ug")) ==
          "l.csv, line 4, column unit: \"ug\" is no unit of a concentration; nM, uM, mM and M are.");
    CHECK(refusal(replaced(good, "0.5,uM", "0,uM")) ==
          "l.csv, line 4, column concentration: a concentration of \"0\"; concentrations are above 0.");
    CHECK(refusal(replaced(good, "0.5,uM", "\"0,5\",uM")).find("line 4, column concentration: \"0,5\" is no concentration") !=
          std::string::npos);
    CHECK(refusal(replaced(good, "sample,1", "sampel,1")).find("line 4, column role: \"sampel\" is no role") != std::string::npos);
    CHECK(refusal(replaced(good, "sample,1", "sample,0")).find("line 4, column replicate: \"0\" is no replicate") != std::string::npos);
    CHECK(refusal(replaced(good, "C3,drug a,0.5,uM,sample,2", "C3,drug a,500,nM,sample,1"))
              .find("replicate 1 of drug a at 500 nM occurs twice") != std::string::npos);
    CHECK(refusal(replaced(good, "A3,drug a", "A3,")).find("line 4, column drug: a sample without a drug.") != std::string::npos);
    CHECK(refusal(replaced(good, "A3,", "A0,")).find("line 4, column well: \"A0\" is no well") != std::string::npos);
    CHECK(refusal(replaced(good, "A3,", "AG3,")).find("no plate has 33 rows") != std::string::npos);
    CHECK(refusal(replaced(good, "A3,", "I3,")).find("of the 384 wells of the plate are not named") != std::string::npos);
    CHECK(refusal(replaced(good, "well,drug", "well,operator")).find("line 1: \"operator\" is no column of it") != std::string::npos);
    CHECK(refusal("well,drug,concentration,unit,role\n").find("has no column \"replicate\"") != std::string::npos);
    CHECK(refusal(replaced(good, "drug a", std::string(annotation_cell_bytes_max + 1, 'x'))).find("129 bytes; at most 128") !=
          std::string::npos);
    CHECK(PlateLayout::read(good + std::string(annotation_bytes_max - good.size(), '\n'), "l.csv"));
    CHECK(refusal(good + std::string(annotation_bytes_max - good.size() + 1, '\n')).find("at most 1048576 are read") != std::string::npos);
    CHECK(refusal(replaced(good, "drug a", "drug \xe9")).find("is not UTF-8") != std::string::npos);
}

TEST_CASE("a layout that is cut anywhere is no layout, but for its last line end") {
    std::string const good = layout_text();
    for (std::size_t size = 0; size + 1 < good.size(); ++size) {
        INFO(size);
        CHECK_FALSE(PlateLayout::read(good.substr(0, size), "l.csv"));
    }
}

TEST_CASE("what identifies a person is refused, without repeating it") {
    for (char const* text : {"C:\\Users\\camille", "/home/camille/x", "smb://server/x", "12/03/2015", "2015-03-12", "12.3.2015", "12032015",
                             "1 85 05 78 006 084 91", "2850578006084", "285052A006084 36", "943 476 5919", "9434765919",
                             "camille@example.org", "Dr Camille", "Mme Dupont", "Dupont, Camille"}) {
        INFO(text);
        CHECK(identifying(text));
        auto const layout = PlateLayout::read(replaced(layout_text(), "drug a", fmt::format("\"{}\"", text)), "l.csv");
        REQUIRE_FALSE(layout);
        CHECK(layout.error().message.find("line 4, column drug: it looks like") != std::string::npos);
        CHECK(layout.error().message.find(text) == std::string::npos);
    }
    for (char const* text : {"", "ALL-0042", "4-hydroxytamoxifen", "8-amino-adenosine", "1-methyl-D-tryptophan", "ABT-199",
                             "RPMI 1640 + 10 % FBS", "0.001", "10000000", "9434765918", "trimethoprim/sulfamethoxazole", "BMS-354825",
                             "Dasatinib (BMS-354825)", "AZD1152-HQPA", "CHIR-99021"}) {
        INFO(text);
        CHECK_FALSE(identifying(text));
    }
}

TEST_CASE("a sample sheet names what is missing and refuses what it does not know") {
    auto const whole =
        SampleSheet::read("subject,timepoint,compartment,medium,hours_to_test\nALL-0042,relapse,bone marrow,RPMI 1640,26.5\n", "s.csv");
    if (!whole) FAIL(whole.error().message);
    CHECK(whole->missing().empty());
    CHECK(whole->timepoint == Timepoint::relapse);
    CHECK(whole->hours_to_test == "26.5");
    auto const partly = SampleSheet::read("subject,timepoint,medium\nALL-0042,,RPMI 1640\n", "s.csv");
    REQUIRE(partly);
    CHECK(partly->missing() == std::vector<std::string_view>{"timepoint", "compartment", "hours_to_test"});
    CHECK(sheet_refusal("subject,timepoint\nCamille,relapse\n") ==
          "s.csv, line 2, column subject: it is no pseudonym; one has capitals, digits and hyphens, with at least one digit, as ALL-0042.");
    CHECK(sheet_refusal("subject,timepoint\nALL-1,later\n").find("line 2, column timepoint: \"later\" is neither") != std::string::npos);
    CHECK(sheet_refusal("subject,compartment\nALL-1,marrow\n").find("line 2, column compartment") != std::string::npos);
    CHECK(sheet_refusal("subject,hours_to_test\nALL-1,a day\n").find("line 2, column hours_to_test") != std::string::npos);
    CHECK(sheet_refusal("subject,hours_to_test\nALL-1,-2\n").find("is no number of hours") != std::string::npos);
    CHECK(sheet_refusal("subject,name\nALL-1,x\n").find("\"name\" is no column of it") != std::string::npos);
    CHECK(sheet_refusal("subject\nALL-1\nALL-2\n").find("has 2 rows") != std::string::npos);
    CHECK(sheet_refusal("subject\n").find("has 0 rows") != std::string::npos);
}

}  // namespace marrowlink::analysis
