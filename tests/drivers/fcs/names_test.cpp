// The copy that leaves the site names nobody, and reads the same.
#include "drivers/fcs/names.hpp"

#include <catch2/catch.hpp>

#include "drivers/fcs/parse.hpp"
#include "tests/drivers/fcs/file.hpp"

using namespace marrowlink;
using namespace marrowlink::fcs_test;

namespace {

Document parsed(std::string const& bytes) {
    auto document = fcs_format().parse(bytes);
    if (!document) FAIL(document.error().message);
    return std::move(*document);
}

std::string blanked(std::string bytes, Document const& document) {
    for (auto const& range : document.name_bearing) bytes.replace(range.offset, range.length, std::string(range.length, ' '));
    return bytes;
}

std::string all_events(std::string const& bytes) {
    std::string text;
    auto const done = fcs_format().events(
        bytes, [](void* to, std::string_view line) { *static_cast<std::string*>(to) += std::string{line} + "\n"; }, &text);
    REQUIRE(done);
    return text;
}

}  // namespace

TEST_CASE("a blanked copy has the same length, the same events and no name") {
    auto file = three_events();
    std::vector<std::string> const names{"Dupont",         "Durand // Petit", "lab\\user",     "Anna B",     "Spleen Martin",
                                         "Martin_001.fcs", "for Dr. Curie",   "S-1234 Martin", "1931-05-07", "P. Bernard",
                                         "Moreau 17",      "C. Person",       "x@example.org"};
    std::vector<std::string> const keywords{"$OP",
                                            "EXPORT USER NAME",
                                            "LOGIN NAME",
                                            "$EXP",
                                            "$SRC",
                                            "$FIL",
                                            "$COM",
                                            "$SMNO",
                                            "PATIENT BIRTHDATE",
                                            "&10Patient ID",
                                            "@SAMPLEID1",
                                            "$LAST_MODIFIER",
                                            "investigator e-mail"};
    REQUIRE(names.size() == keywords.size());
    for (std::size_t i = 0; i < names.size(); ++i) file.set(keywords[i], names[i]);
    file.set("$INST", "Institute").set("WELL ID", "A01").set("$CYT", "Cyt").set("TUBE NAME", " ");
    std::string const original = file.bytes();
    auto const document = parsed(original);

    CHECK(document.name_bearing.size() == names.size());
    std::string const copy = blanked(original, document);
    CHECK(copy.size() == original.size());
    for (auto const& name : names) CHECK(copy.find(name) == copy.npos);
    for (char const* const kept : {"Institute", "A01", "FSC-A"}) CHECK(copy.find(kept) != copy.npos);

    auto const again = parsed(copy);
    CHECK(again.name_bearing.empty());
    CHECK(again.datasets.front().first == document.datasets.front().first);
    CHECK(again.datasets.front().sum == document.datasets.front().sum);
    CHECK(again.datasets.front().parameters.size() == document.datasets.front().parameters.size());
    CHECK(all_events(copy) == all_events(original));
}

TEST_CASE("keywords that describe the measurement are not blanked") {
    for (char const* const kept : {"$P1N",
                                   "$P1S",
                                   "$PAR",
                                   "$TOT",
                                   "$BYTEORD",
                                   "$DATATYPE",
                                   "$CYT",
                                   "$CYTSN",
                                   "$DATE",
                                   "$BTIM",
                                   "GUID",
                                   "$WELLID",
                                   "PLATE ID",
                                   "$PLATENAME",
                                   "P1DETECTORNAME",
                                   "LASER1NAME",
                                   "CYTOMETER CONFIG NAME",
                                   "$SPILLOVER",
                                   "$INST",
                                   "CREATOR"})
        CHECK_FALSE(fcs::may_name_a_person(kept));
}

TEST_CASE("names in ANALYSIS are found too") {
    auto file = three_events();
    file.set("$BEGINANALYSIS", "00000000").set("$ENDANALYSIS", "00000000");
    std::string const analysis = "/GATE/R1/OPERATOR/A. Person/";
    std::size_t const begin = file.data_begin() + file.data.size();
    file.set("$BEGINANALYSIS", fmt::format("{:08}", begin)).set("$ENDANALYSIS", fmt::format("{:08}", begin + analysis.size() - 1));
    std::string const bytes = file.bytes() + analysis;
    auto const document = parsed(bytes);
    REQUIRE(document.name_bearing.size() == 1);
    CHECK(document.name_bearing[0].field == "OPERATOR");
    CHECK(bytes.substr(document.name_bearing[0].offset, document.name_bearing[0].length) == "A. Person");
}

TEST_CASE("a run's identity is the software's GUID, else serial, time and a digest, and never a file name") {
    auto file = three_events();
    CHECK(parsed(file.bytes()).identity.empty());
    file.set("$CYTSN", "A01-0027").set("$DATE", "25-Feb-2011").set("$BTIM", "11:15:29.47").set("$FIL", "Dupont.fcs");
    std::string const composed = parsed(file.bytes()).identity;
    CHECK(composed.rfind("cytometer:A01-0027 25-Feb-2011 11:15:29.47 ", 0) == 0);
    CHECK(composed.find("Dupont") == composed.npos);
    CHECK(parsed(file.bytes()).identity == composed);
    auto other = file;
    CHECK(parsed(other.set("$FIL", "Durand.fcs").bytes()).identity != composed);
    CHECK(parsed(file.set("GUID", "{E9167AC5-4341-454E-ADDB-38AE0D5C89E3}").bytes()).identity == "guid:e9167ac54341454eaddb38ae0d5c89e3");
    for (char const* const no_guid : {"sample02", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "00000000-0000-0000-0000-000000000000"})
        CHECK(parsed(file.set("GUID", no_guid).bytes()).identity == composed);
}
