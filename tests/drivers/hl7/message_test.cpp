// HL7 messages as values: readings, refusals, what leaves the site, and every way of cutting and changing one.
#include "drivers/hl7/message.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "drivers/blanking.hpp"
#include "drivers/hl7/mllp.hpp"
#include "drivers/hl7/parse.hpp"
#include "tests/drivers/hl7/sample.hpp"

using namespace marrowlink;
using hl7_test::sample;

namespace {

Result<Document> parsed(std::string const& text, TextEncoding unsaid = TextEncoding::latin_1) { return hl7::parse(text, unsaid); }

std::string with(std::string_view found, std::string_view instead) {
    std::string text = sample();
    auto const at = text.find(found);
    REQUIRE(at != std::string::npos);
    return text.replace(at, found.size(), instead);
}

Reading reading(std::string read, std::string value, std::string unit, std::string flag) {
    Reading out;
    out.plate = "PLT-0001";
    out.read = std::move(read);
    out.value = std::move(value);
    out.unit = std::move(unit);
    out.flag = std::move(flag);
    return out;
}

}  // namespace

TEST_CASE("each OBX is a reading: value, unit, bound, word, flag and status") {
    auto const document = parsed(sample());
    INFO((document ? std::string{} : document.error().message));
    REQUIRE(document);
    CHECK(document->identity == "AQ|LAB|M1");
    CHECK(document->plate == "PLT-0001");
    CHECK(document->started == "20260304090700");
    std::vector<Reading> const expected{reading("VIAB^^L", "0.91", "{ratio}", "N"), reading("VIAB^^L/2", "", "{ratio}", ">1.2 H status P"),
                                        reading("CD19^^L", "12.5", "%", ""),        reading("CD20^^L", "", "10^9/L", "<0.01 status C"),
                                        reading("CD3", "", "", "Negative&weak"),    reading("CD4", "", "%", "7 status W"),
                                        reading("NOTE", "", "", "no value"),        reading("CD8", "", "", "status X")};
    CHECK(document->readings == expected);
    REQUIRE(document->notes.size() == 1);
    CHECK(document->notes[0].find("1 results are text") == 0);
}

TEST_CASE("the copy that leaves the site parses to the same readings") {
    auto const document = parsed(sample());
    REQUIRE(document);
    BlankedCopy const copy = copy_without(sample(), document->name_bearing);
    auto const again = parsed(copy.bytes);
    REQUIRE(again);
    CHECK(again->readings == document->readings);
    CHECK(again->identity == document->identity);
    CHECK(copy.bytes.find("Doe") == std::string::npos);
    CHECK(copy.bytes.find("VIAB^^L||0.91|{ratio}|0.5-1.0|N") != std::string::npos);
}

TEST_CASE("delimiters are those of the message, in its answer too") {
    std::string text = sample();
    for (char& c : text) c = c == '|' ? '!' : c == '^' ? '@' : c;
    auto const document = parsed(text);
    REQUIRE(document);
    CHECK(document->readings[0].read == "VIAB@@L");
    CHECK(document->readings[0].value == "0.91");
    auto const header = hl7::Message::header_of(text);
    REQUIRE(header);
    CHECK(hl7::acknowledgements(&*header, hl7::Answer::accept, "20261125023000") ==
          std::vector<std::string>{"MSH!@~\\&!MARROWLINK!S1!AQ!LAB!20261125023000!!ACK@R01!M1!P!2.5.1\rMSA!AA!M1\r"});
}

TEST_CASE("a message is answered in the mode that it asks for: original, or commit and application each by its condition") {
    struct Asked {
        std::string commit, application, accepted, rejected;
    };
    for (Asked const& asked : std::vector<Asked>{{"", "", "AA", "AR"},
                                                 {"AL", "", "CA", "CR"},
                                                 {"AL", "NE", "CA", "CR"},
                                                 {"AL", "AL", "CA AA", "CR"},
                                                 {"NE", "AL", "AA", "AR"},
                                                 {"ER", "AL", "AA", "CR"},
                                                 {"SU", "AL", "CA AA", "AR"},
                                                 {"", "AL", "AA", "AR"},
                                                 {"NE", "NE", "", ""},
                                                 {"\"\"", "\"\"", "AA", "AR"},
                                                 {"??", "NE", "CA", "CR"}}) {
        std::string const text = "MSH|^~\\&|AQ|LAB|||20260304090807||ORU^R01|M1|P|2.5.1|||" + asked.commit + "|" + asked.application + "\r";
        INFO(text);
        auto const header = hl7::Message::header_of(text);
        REQUIRE(header);
        auto const codes = [&](hl7::Answer answer) {
            std::string out;
            for (std::string const& one : hl7::acknowledgements(&*header, answer, "20261125023000")) {
                CHECK(one.ends_with("|M1\r"));
                out += (out.empty() ? "" : " ") + one.substr(one.find("\rMSA|") + 5, 2);
            }
            return out;
        };
        CHECK(codes(hl7::Answer::accept) == asked.accepted);
        CHECK(codes(hl7::Answer::reject) == asked.rejected);
    }
    CHECK(hl7::acknowledgements(nullptr, hl7::Answer::reject, "20261125023000").size() == 1);
}

TEST_CASE("character sets: the one that is named, or the configured one, or a refusal") {
    CHECK(parsed(with("{ratio}", "\xB5g/L"))->readings[0].unit == "µg/L");
    std::string utf8 = with("8859/1", "UNICODE UTF-8");
    utf8.replace(utf8.find("{ratio}"), 7, "µg/L");
    CHECK(parsed(utf8)->readings[0].unit == "µg/L");
    std::string unsaid = with("|8859/1", "|");
    unsaid.replace(unsaid.find("{ratio}"), 7, "\xB5g/L");
    CHECK(parsed(unsaid)->readings[0].unit == "µg/L");
    CHECK_FALSE(parsed(unsaid, TextEncoding::utf_8));
    std::string ascii = with("8859/1", "ASCII");
    CHECK(parsed(ascii));
    ascii.replace(ascii.find("{ratio}"), 7, "\xB5g/L");
    CHECK_FALSE(parsed(ascii));
    CHECK_FALSE(parsed(with("8859/1", "8859/15")));
    CHECK_FALSE(parsed(with("8859/1", "UNICODE UTF-16")));
}

TEST_CASE("what is not understood is refused by line and field, and nothing is quoted") {
    auto const refused = [](std::string const& text, std::string_view words) {
        auto const document = parsed(text);
        REQUIRE_FALSE(document);
        INFO(document.error().message);
        CHECK(document.error().fault == Fault::refused);
        CHECK(document.error().message.find(words) != std::string::npos);
        CHECK(document.error().message.find("Doe") == std::string::npos);
    };
    refused(with("0.91", "0,91"), "Line 6, OBX-5");
    refused(with("0.91", "Doe"), "Line 6, OBX-5");
    refused(with("0.91", "0.91~0.92"), "Line 6, OBX-5");
    refused(with("=^12.5", "~^Doe"), "Line 8, OBX-5");
    refused(with("OBX|1|NM|", "OBX|1||"), "OBX-2");
    refused(with("VIAB^^L||0.91", "||0.91"), "OBX-3");
    refused(with("|N|||F|", "|N|||Q|"), "OBX-11");
    refused(with("ORU^R01", "ADT^A01"), "MSH-9");
    refused(with("|M1|", "| |"), "MSH-10");
    refused(with("Doe^Jane", "Doe\r^Jane"), "Line 3 is no segment");
    refused(with("Doe^Jane", "Doe\x1C^Jane"), "control character 1C");
    refused(with("PV1|1", "MSH|^~\\&|"), "second message");
    refused(with("MSH|^~\\&", "MSH|^^\\&"), "does not begin with MSH");
    refused("MSH|^~\\&|AQ|LAB|||20260304090807||ORU^R01|M1|P|2.5\rOBR|1||P\r", "no OBX");
    CHECK(parsed(with("OBX|8", std::string(1, '\n') + "OBX|8")));
}

TEST_CASE("a message cut at any byte is no message, and joined again it is the same") {
    std::string const bytes = hl7::framed(sample());
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        CHECK(hl7::next_event(std::string_view{bytes}.substr(0, cut)).heard == hl7::Heard::nothing);
        // A sender that begins anew after it.
        std::string const anew = bytes.substr(0, cut) + bytes;
        hl7::Event event = hl7::next_event(anew);
        if (cut > 0) {
            CHECK(event.heard == hl7::Heard::cut);
            CHECK(event.bytes == cut);
            event = hl7::next_event(std::string_view{anew}.substr(cut));
        }
        CHECK(event.heard == hl7::Heard::message);
        CHECK(event.text == sample());
    }
}

TEST_CASE("a changed digit changes a value or is refused, and moves no result") {
    auto const document = parsed(sample());
    std::string const text = sample();
    for (std::size_t at = text.find("OBX|1"); at < text.size(); ++at) {
        if (text[at] < '0' || text[at] > '9') continue;
        std::string changed = text;
        changed[at] = changed[at] == '9' ? '0' : static_cast<char>(changed[at] + 1);
        auto const other = parsed(changed);
        if (!other) continue;
        REQUIRE(other->readings.size() == document->readings.size());
        std::size_t differing = 0;
        for (std::size_t i = 0; i < other->readings.size(); ++i) {
            CHECK(other->readings[i].plate == document->readings[i].plate);
            differing += other->readings[i] != document->readings[i];
        }
        CHECK(differing <= 1);
        CHECK(hl7::sameness(changed) != hl7::sameness(text));
    }
}
