// Files that lie: each gets a sentence, none a crash or an allocation by a number it made up.
#include <catch2/catch.hpp>

#include "drivers/fcs/layout.hpp"
#include "drivers/fcs/parse.hpp"
#include "tests/drivers/fcs/file.hpp"

using namespace marrowlink;
using namespace marrowlink::fcs_test;
using Catch::Matchers::Contains;

namespace {

std::string refusal(std::string const& bytes) {
    auto const document = fcs_format().parse(bytes);
    if (document) return "accepted";
    CHECK(document.error().fault == Fault::refused);
    return document.error().message;
}

std::string with(std::string_view name, std::string_view value) { return three_events().set(name, value).bytes(); }

}  // namespace

TEST_CASE("what is not read is refused by name") {
    CHECK_THAT(refusal("oi21j08cn\n"), Contains("not an FCS header"));
    CHECK_THAT(refusal(std::string(100, '\0')), Contains("not an FCS header"));
    auto older = three_events();
    older.version = "FCS1.0";
    CHECK(refusal(older.bytes()) == "The version is \"FCS1.0\"; FCS2.0, 3.0, 3.1 and 3.2 are read.");
    CHECK_THAT(refusal(with("$MODE", "C")), Contains("$MODE is \"C\""));
    CHECK_THAT(refusal(with("$DATATYPE", "A")), Contains("$DATATYPE is \"A\""));
    CHECK_THAT(refusal(with("$BYTEORD", "3,4,1,2")), Contains("$BYTEORD is \"3,4,1,2\""));
    CHECK_THAT(refusal(with("$P1B", "16")), Contains("$P1B is 16; $DATATYPE F has 32 bits"));
    CHECK_THAT(refusal(three_events().drop("$P2B").bytes()), Contains("TEXT has no $P2B"));
    CHECK_THAT(refusal(three_events().drop("$PAR").bytes()), Contains("TEXT has no $PAR"));
    auto wide = two_parameters("I", 20, "4,3,2,1");
    wide.set("$TOT", "0");
    CHECK(refusal(wide.bytes()) == "$P1B is 20; integers of up to 16, of 24 and of 32 bits are read.");
    wide.set("$P1B", "64");
    CHECK_THAT(refusal(wide.bytes()), Contains("$P1B is 64"));
    for (char const delimiter : {' ', 'a', '7', '\0'}) {
        auto file = three_events();
        file.delimiter = delimiter;
        CHECK_THAT(refusal(file.bytes()), Contains("which is no delimiter"));
    }
}

TEST_CASE("counts and offsets that no file can hold are refused") {
    CHECK_THAT(refusal(with("$PAR", "4097")), Contains("between 1 and 4096 parameters"));
    CHECK_THAT(refusal(with("$PAR", "4096")), Contains("TEXT has no $P3B"));  // the limit itself is read on
    CHECK_THAT(refusal(with("$PAR", "0")), Contains("$PAR is 0"));
    CHECK_THAT(refusal(with("$PAR", "-1")), Contains("$PAR is \"-1\""));
    CHECK_THAT(refusal(with("$PAR", "18446744073709551617")), Contains("a whole number was expected"));
    CHECK_THAT(refusal(with("$TOT", "4611686018427387903")), Contains("fit no file"));
    CHECK_THAT(refusal(with("$TOT", "576460752303423488")),
               Contains("DATA ends before the event count in $TOT: 576460752303423488 events promised, 3 present"));
    CHECK_THAT(refusal(with("$TOT", "three")), Contains("$TOT is \"three\""));
    for (std::string const next : {"1", "57", "58", "4611686018427387903", "18446744073709551615"}) {
        auto const layout = fcs::read_layout(with("$NEXTDATA", next));
        REQUIRE(layout);
        CHECK(layout->sets.size() == 1);
    }
    auto uncounted = three_events();
    uncounted.drop("$TOT").header_data = fmt::format("{:8}{:8}", uncounted.data_begin(), uncounted.data_begin());
    CHECK(refusal(uncounted.bytes()) == "TEXT has no $TOT, and DATA's 1 bytes hold no event of 8 bytes.");
    uncounted.header_data = fmt::format("{:8}{:8}", uncounted.data_begin(), uncounted.data_begin() + 20);
    CHECK_THAT(refusal(uncounted.bytes()), Contains("DATA holds 21 bytes by HEADER, which are not whole events of 8 bytes"));
    auto far = three_events();
    far.header_data = "       0       0";
    far.set("$BEGINDATA", "4611686018427387000").set("$ENDDATA", "4611686018427387023");
    CHECK_THAT(refusal(far.bytes()), Contains("3 events promised, 0 present"));

    std::string bytes = three_events().bytes();
    CHECK_THAT(refusal(std::string{bytes}.replace(10, 16, "      5899999998")), Contains("at most 16777216 are read"));
    CHECK_THAT(refusal(std::string{bytes}.replace(10, 16, "      57     200")), Contains("HEADER's TEXT offsets"));
    CHECK_THAT(refusal(std::string{bytes}.replace(10, 16, "     200      58")), Contains("HEADER's TEXT offsets"));
    CHECK_THAT(refusal(std::string{bytes}.replace(10, 16, "      -1     200")), Contains("HEADER's TEXT offsets"));

    auto many = three_events();
    std::string extra;
    for (std::size_t i = 0; i <= fcs::keywords_max; ++i) extra += "k/v/";
    many.keywords.emplace_back("extra", "x/" + extra);
    CHECK_THAT(refusal(many.bytes()), Contains("more than 65536 keywords"));
}

TEST_CASE("data sets that claim the same bytes again and again are refused") {
    auto file = three_events();
    file.set("$NEXTDATA", "00000058");
    std::string const whole = file.bytes();
    std::string headers;  // ten data sets, 58 bytes apart, all with the TEXT and DATA of the last
    for (std::size_t left = 9; left > 0; --left) {
        std::size_t const text = 58 + 58 * left, data = text + file.text().size();
        headers += fmt::format("FCS3.0    {:8}{:8}{:8}{:8}{:8}{:8}", text, data - 1, data, data + 23, 0, 0);
    }
    CHECK_THAT(refusal(headers + whole), Contains("data sets claim") && Contains("the file has"));
}

TEST_CASE("every byte of a file damaged in turn: a value or a sentence, never a crash") {
    auto file = three_events();
    file.set("$OP", "A. Person").set("$BEGINANALYSIS", "58").set("$ENDANALYSIS", "99").set("$BEGINSTEXT", "70").set("$ENDSTEXT", "120");
    std::string const whole = file.bytes();
    std::size_t refused = 0, accepted = 0;
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (char const damage : {'\0', '/', '9', ' ', '\xFF'}) {
            std::string damaged = whole;
            damaged[at] = damage;
            (void)fcs_format().completeness(damaged);
            (void)fcs_format().present(damaged);
            auto const document = fcs_format().parse(damaged);
            ++(document ? accepted : refused);
            if (!document) CHECK_FALSE(document.error().message.empty());
        }
    CHECK(refused > 100);
    CHECK(accepted > 100);
}
