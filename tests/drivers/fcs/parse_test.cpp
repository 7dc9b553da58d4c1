// What each rule of drivers/fcs does to a file of our own making; nothing here needs the shared samples.
#include "drivers/fcs/parse.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "drivers/fcs/layout.hpp"
#include "tests/drivers/fcs/file.hpp"

using namespace marrowlink;
using namespace marrowlink::fcs_test;
using Catch::Matchers::Contains;
using Event = std::vector<double>;

namespace {

Document parsed(std::string const& bytes) {
    auto document = fcs_format().parse(bytes);
    if (!document) FAIL(document.error().message);
    return std::move(*document);
}

CytometryDataset only(std::string const& bytes) {
    auto document = parsed(bytes);
    REQUIRE(document.datasets.size() == 1);
    return document.datasets.front();
}

std::string refusal(std::string const& bytes) {
    auto const document = fcs_format().parse(bytes);
    if (document) return "accepted";
    CHECK(document.error().fault == Fault::refused);
    return document.error().message;
}

std::string all_events(std::string const& bytes) {
    std::string text;
    auto const done = fcs_format().events(
        bytes, [](void* to, std::string_view line) { *static_cast<std::string*>(to) += std::string{line} + "\n"; }, &text);
    return done ? text : "refused: " + done.error().message;
}

bool noted(Document const& document, std::string_view part) {
    for (auto const& note : document.notes)
        if (note.find(part) != note.npos) return true;
    return false;
}

}  // namespace

TEST_CASE("a plain file gives names, events, sums and bounds") {
    auto const set = only(three_events().bytes());
    CHECK(set.version == "FCS3.0");
    CHECK(set.events == 3);
    REQUIRE(set.parameters.size() == 2);
    CHECK(set.parameters[1].n == "SSC-A");
    CHECK(set.parameters[1].bits == 32);
    CHECK(set.parameters[1].range == "262144");
    CHECK(set.first == std::vector<Event>{{1.5, -2}, {1000, 0.25}, {7, 8}});
    CHECK(set.last == set.first);
    CHECK(set.sum == Event{1008.5, 6.25});
    CHECK(set.min == Event{1.5, -2});
    CHECK(set.max == Event{1000, 8});
    CHECK(all_events(three_events().bytes()) == "FSC-A,SSC-A\n1.5,-2\n1000,0.25\n7,8\n");
}

TEST_CASE("integers of every width, order and range, alone and mixed in one event") {
    for (bool const big : {false, true})
        for (int const bits : {8, 16, 24, 32}) {
            INFO(bits << (big ? " big" : " little"));
            auto file = two_parameters("I", bits, bits == 16 ? (big ? "2,1" : "1,2") : (big ? "4,3,2,1" : "1,2,3,4"), "4294967296");
            file.set("$TOT", "2");
            std::uint64_t const most = bits == 32 ? 0xFFFFFFFFU : (1U << bits) - 1;
            for (std::uint64_t const value : {std::uint64_t{1}, most, std::uint64_t{0x78}, most - 1})
                file.data += number(value, bits / 8, big);
            auto const set = only(file.bytes());
            CHECK(set.first == std::vector<Event>{{1, double(most)}, {0x78, double(most - 1)}});
            CHECK(set.sum == Event{0x79, 2.0 * double(most) - 1});
            CHECK(set.max == Event{0x78, double(most)});
        }
    auto three = two_parameters("I", 16, "4,3,2,1", "65536");  // beside another width
    three.set("$P2B", "24").set("$P2R", "1024").set("$TOT", "1");
    three.data = number(7, 2, true) + number(0xABCDEF, 3, true);
    CHECK(only(three.bytes()).first == std::vector<Event>{{7, 0x1EF}});
    auto mixed = two_parameters("I", 16, "1,2,3,4", "65536");
    mixed.set("$P2B", "32").set("$P2R", "11209599").set("$TOT", "2");
    mixed.data = number(7, 2) + number(0x01ABCDEF, 4) + number(65535, 2) + number(3, 4);
    CHECK(only(mixed.bytes()).first == std::vector<Event>{{7, 0xABCDEF}, {65535, 3}});
    CHECK(only(mixed.bytes()).sum == Event{65542, 0xABCDEF + 3.0});
}

TEST_CASE("bits above the range are the maker's and masked off") {
    for (auto const& [range, value] :
         {std::pair{"1024", 0x3FFU}, {"1000", 0x3FFU}, {"1024.0", 0x3FFU}, {"1025", 0x7FFU}, {"65536", 0xFFFFU}, {"0", 0xFFFFU}}) {
        INFO(range);
        auto file = two_parameters("I", 16, "1,2", range);
        file.set("$TOT", "1");
        file.data = number(0xFFFF, 2) + number(0, 2);
        CHECK(only(file.bytes()).max.front() == value);
    }
    auto ten = two_parameters("I", 10, "1,2", "1024");  // FC 500: says 10 bits, stores 16
    ten.set("$TOT", "1");
    ten.data = number(0xF401, 2) + number(2, 2);
    auto const document = parsed(ten.bytes());
    CHECK(document.datasets.front().first == std::vector<Event>{{1, 2}});
    CHECK(noted(document, "$P1B is 10 but values are stored in 16 bits"));
}

TEST_CASE("doubles, and types of their own for each parameter") {
    auto file = two_parameters("D", 64, "4,3,2,1");
    file.set("$TOT", "1");
    file.data = float64(0.1, true) + float64(-1e300, true);
    CHECK(only(file.bytes()).first == std::vector<Event>{{0.1, -1e300}});
    CHECK(all_events(file.bytes()) == "FSC-A,SSC-A\n0.1,-1e+300\n");

    auto newer = two_parameters("F", 32, "1,2,3,4");
    newer.version = "FCS3.2";
    newer.set("$P2DATATYPE", "I").set("$P2B", "16").set("$P2R", "65536").set("$TOT", "1").set("$BEGINDATETIME", "2026-03-04T10:11:12Z");
    newer.data = float32(2.5F) + number(513, 2);
    CHECK(only(newer.bytes()).first == std::vector<Event>{{2.5, 513}});
    CHECK(only(newer.bytes()).started == "2026-03-04T10:11:12Z");
}

TEST_CASE("NaN and infinity are counted and left out") {
    auto file = two_parameters("F", 32, "1,2,3,4");
    file.set("$TOT", "3");
    constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    for (float const value : {nan, inf, 3.0F, nan, 5.0F, -inf}) file.data += float32(value);
    auto const document = parsed(file.bytes());
    auto const& set = document.datasets.front();
    CHECK(set.sum == Event{8, 0});
    CHECK(set.min.front() == 3);
    CHECK(set.max.front() == 5);
    CHECK(std::isnan(set.min.back()));
    CHECK(std::isnan(set.max.back()));
    CHECK(std::isnan(set.first[0][0]));
    CHECK(noted(document, "4 values are NaN or infinite"));
    CHECK(all_events(file.bytes()) == "FSC-A,SSC-A\nNaN,Inf\n3,NaN\n5,-Inf\n");
}

TEST_CASE("an acquisition without events is a result") {
    auto file = two_parameters("F", 32, "1,2,3,4");
    file.set("$TOT", "0");
    file.header_data = "       0       0";
    auto const set = only(file.bytes());
    CHECK(set.events == 0);
    CHECK(set.first.empty());
    CHECK(set.sum == Event{0, 0});
    CHECK(std::isnan(set.min.front()));
}

TEST_CASE("DATA offsets of HEADER and TEXT are judged by the event count") {
    auto file = three_events();
    std::string const events = file.data;
    auto const expected = only(file.bytes()).first;
    auto const with_text_offsets = [&](long shift, long shift_end) {
        auto copy = file;
        copy.set("$BEGINDATA", "00000000").set("$ENDDATA", "00000000");
        long const begin = static_cast<long>(copy.data_begin());
        return copy.set("$BEGINDATA", fmt::format("{:08}", begin + shift)).set("$ENDDATA", fmt::format("{:08}", begin + 23 + shift_end));
    };
    SECTION("0 and 99999999 in HEADER mean: see TEXT") {
        auto copy = with_text_offsets(0, 0);
        for (char const* const offsets :
             {"       0       0", "                ", "9999999999999999", "     31299999999", "****************"}) {
            INFO(offsets);
            copy.header_data = std::string{offsets}.substr(0, 16);
            CHECK(only(copy.bytes()).first == expected);
        }
    }
    SECTION("the pair whose length fits is right, whichever it is") {
        auto copy = with_text_offsets(0, 0);
        copy.header_data = fmt::format("{:8}{:8}", copy.data_begin() - 100, copy.data_begin() + 23);
        CHECK(only(copy.bytes()).first == expected);  // S1400EXi: TEXT
        CHECK(only(with_text_offsets(-8, 0).bytes()).first == expected);
    }
    SECTION("of two that fit, the one right behind TEXT") {
        auto const document = parsed(with_text_offsets(46, 46).bytes());  // CyAn: HEADER
        CHECK(document.datasets.front().first == expected);
        CHECK(noted(document, "right: HEADER, both lengths fit"));
        auto neither = with_text_offsets(46, 46);
        neither.header_data = fmt::format("{:8}{:8}", neither.data_begin() + 8, neither.data_begin() + 31);
        CHECK_THAT(refusal(neither.bytes()), Contains("neither starts right behind TEXT"));
    }
    SECTION("a byte too many at the end, and an end that is the beginning") {
        auto copy = file;
        copy.header_data = fmt::format("{:8}{:8}", copy.data_begin(), copy.data_begin() + 24);
        CHECK(only(copy.bytes()).first == expected);
        copy.header_data = fmt::format("{:8}{:8}", copy.data_begin(), copy.data_begin());
        CHECK(only(copy.bytes()).first == expected);
    }
    SECTION("neither fits: refused, with the numbers") {
        auto copy = with_text_offsets(-4, 0);
        copy.header_data = fmt::format("{:8}{:8}", copy.data_begin() - 2, copy.data_begin() + 23);
        CHECK_THAT(refusal(copy.bytes()), Contains("DATA offsets disagree") && Contains("24 bytes that $TOT promises"));
        auto fewer = file;
        fewer.set("$TOT", "2");
        CHECK(refusal(fewer.bytes()) == "DATA holds 24 bytes by HEADER; $TOT promises 2 events of 8 bytes, which are 16.");
        auto nowhere = file;
        nowhere.header_data = "       0       0";
        CHECK(refusal(nowhere.bytes()) == "Neither HEADER nor TEXT says where DATA is.");
    }
    SECTION("without $TOT the length of DATA counts") {
        auto copy = file;
        copy.drop("$TOT").version = "FCS2.0";
        CHECK(only(copy.bytes()).first == expected);
    }
}

TEST_CASE("TEXT: delimiters, doubled, missing and too many") {
    auto const expected = only(three_events().bytes()).first;
    for (char const delimiter : {'\\', '/', '|', '!', '\x0C', '\x1E', '\t'}) {
        auto file = three_events();
        file.delimiter = delimiter;
        CHECK(only(file.bytes()).first == expected);
    }
    auto doubled = three_events();
    doubled.set("$P2S", "GFP//FITC-A").set("$P1S", "//x//");
    CHECK(only(doubled.bytes()).parameters[1].s == "GFP/FITC-A");
    CHECK(only(doubled.bytes()).parameters[0].s == "/x/");

    File empty;
    empty.set("$COM", "").set("$INST", "");
    for (auto const& [name, value] : three_events().keywords) empty.set(name, value);
    empty.set("LAST", "");
    empty.data = three_events().data;
    CHECK(only(empty.bytes()).first == expected);
    CHECK(noted(parsed(empty.bytes()), "3 empty values"));

    auto lower = three_events();
    for (auto& [name, value] : lower.keywords)
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    lower.keywords.front().first = " \r\n " + lower.keywords.front().first;
    CHECK(only(lower.bytes()).first == expected);

    auto too_far = three_events();
    too_far.text_end_shift = 1;
    CHECK(only(too_far.bytes()).first == expected);
    too_far.data[0] = '/';  // the byte too many looks like a second delimiter
    CHECK(only(too_far.bytes()).parameters[1].range == "262144");
    CHECK(only(too_far.bytes()).events == 3);

    auto unclosed = three_events();
    std::string bytes = unclosed.bytes();
    std::string const text_end = fmt::format("{:8}", unclosed.data_begin() - 2);
    CHECK(only(bytes.replace(18, 8, text_end)).first == expected);
}

TEST_CASE("names in Latin-1 and UTF-8 become UTF-8") {
    auto file = three_events();
    file.set("$P1S", "\xE2\x84\xA2").set("$P2S", "\xB5m").set("$CYT", " Cyt\xE9 ");
    auto const set = only(file.bytes());
    CHECK(set.parameters[0].s == "™");
    CHECK(set.parameters[1].s == "µm");
    CHECK(set.cytometer == "Cyté");
}

TEST_CASE("supplemental TEXT is read with and without its leading delimiter") {
    for (std::string const extra : {"/$P2S/more/$OP/A. Person/", "$P2S/more/$OP/A. Person/"}) {
        auto file = three_events();
        file.set("$BEGINSTEXT", "00000000").set("$ENDSTEXT", "00000000");
        std::size_t const begin = file.data_begin() + file.data.size();
        file.set("$BEGINSTEXT", fmt::format("{:08}", begin)).set("$ENDSTEXT", fmt::format("{:08}", begin + extra.size() - 1));
        auto const document = parsed(file.bytes() + extra);
        CHECK(document.datasets.front().parameters[1].s == "more");
        REQUIRE(document.name_bearing.size() == 1);
        CHECK((file.bytes() + extra).substr(document.name_bearing[0].offset, document.name_bearing[0].length) == "A. Person");
        CHECK_FALSE(fcs_format().completeness(file.bytes() + extra.substr(0, 5)).complete);
    }
}

TEST_CASE("several data sets in one file, and one that is announced and absent") {
    auto first = three_events(), second = three_events();
    first.version = "FCS2.0";
    first.set("$NEXTDATA", fmt::format("{:08}", 0));
    first.set("$NEXTDATA", fmt::format("{:08}", first.bytes().size()));
    second.data[7] = 0;
    std::string const both = first.bytes() + second.bytes();
    auto const document = parsed(both);
    REQUIRE(document.datasets.size() == 2);
    CHECK(document.datasets[1].version == "FCS3.0");
    CHECK(document.datasets[1].first[0] == Event{1.5, -2});
    CHECK(noted(document, "one run"));
    CHECK(all_events(both) == "FSC-A,SSC-A\n1.5,-2\n1000,0.25\n7,8\n\nFSC-A,SSC-A\n1.5,-2\n1000,0.25\n7,8\n");

    CHECK(parsed(first.bytes()).datasets.size() == 1);  // Guava: $NEXTDATA = end + 1
    CHECK(noted(parsed(first.bytes()), "where no data set begins"));
    CHECK(fcs_format().completeness(both.substr(0, both.size() - 1)).missing ==
          "DATA ends before the event count in $TOT: 3 events promised, 2 present");
    auto far = three_events();
    far.set("$NEXTDATA", "99999");
    CHECK_FALSE(fcs_format().completeness(far.bytes()).complete);

    std::string many;  // more data sets than the limit: each 58 bytes of HEADER before its own TEXT
    for (std::size_t i = 0; i <= fcs::datasets_max; ++i) many += first.bytes();
    CHECK_THAT(refusal(many), Contains("more than 1536 data sets"));
}

TEST_CASE("half-written files wait (field 62)") {
    std::string const whole = three_events().bytes();
    for (std::size_t size = 6; size < whole.size(); ++size) {
        INFO(size);
        std::string const part = whole.substr(0, size);
        CHECK(fcs_format().recognises(part));
        auto const state = fcs_format().completeness(part);
        CHECK_FALSE(state.complete);
        CHECK_FALSE(state.missing.empty());
        CHECK_FALSE(fcs_format().parse(part));
        CHECK_THAT(all_events(part), Contains("refused: "));
    }
    CHECK(fcs_format().completeness(whole).complete);
    std::string const two = whole.substr(0, whole.size() - 5);
    CHECK(fcs_format().completeness(two).missing == "DATA ends before the event count in $TOT: 3 events promised, 2 present");
    CHECK_THAT(refusal(two), Contains("DATA ends before the event count in $TOT: 3 events promised, 2 present"));
    auto const present = fcs_format().present(two);
    REQUIRE(present);
    CHECK(present->datasets.front().events == 2);
    CHECK(present->datasets.front().last == std::vector<Event>{{1.5, -2}, {1000, 0.25}});
    CHECK_FALSE(fcs_format().recognises("FCS3"));
    CHECK_FALSE(fcs_format().recognises(""));
}
