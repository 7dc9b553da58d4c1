// What must hold for every SoftMax Pro file: no prefix passes for the whole, a changed digit changes a value and never moves a well, the
// encoding and the decimal separator change nothing, names are found.
#include <catch2/catch.hpp>
#include <iostream>

#include "drivers/softmax/parse.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> own_and_shared() {
    std::vector<std::string> all;
    for (auto const& folder : {own_folder("softmax"), shared_folder() / "instruments/files/moldev-softmax-pro"})
        for (auto const& file : files_of(folder, ".txt")) {
            std::string bytes = slurp(file);
            if (softmax_format().parse(bytes)) all.push_back(std::move(bytes));
        }
    return all;
}

std::string utf16le(std::string const& ascii) {
    std::string out = "\xFF\xFE";
    for (char c : ascii) out.append(1, c).append(1, '\0');
    return out;
}

// What stands behind the last time may be no more than the line's end.
bool only_line_end(std::string_view rest) { return rest.find_first_not_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos; }

}  // namespace

TEST_CASE("no beginning of a SoftMax Pro file passes for the whole (field 62)") {
    std::size_t cuts = 0;
    for (auto const& bytes : own_and_shared()) {
        std::size_t const step = 1 + bytes.size() / 3'000;
        for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
            std::string_view const part = std::string_view{bytes}.substr(0, cut);
            ++cuts;
            if (!softmax_format().completeness(part).complete || !softmax_format().parse(part)) continue;
            INFO("cut after byte " << cut << " of " << bytes.size());
            CHECK(only_line_end(std::string_view{bytes}.substr(cut)));
        }
        for (std::size_t cut = bytes.size() - std::min<std::size_t>(bytes.size(), 200); cut < bytes.size(); ++cut) {
            std::string_view const part = std::string_view{bytes}.substr(0, cut);
            if (!softmax_format().parse(part)) continue;
            INFO("cut after byte " << cut << " of " << bytes.size());
            CHECK(only_line_end(std::string_view{bytes}.substr(cut)));
        }
    }
    std::cout << "softmax: " << cuts << " cuts tried\n";
}

TEST_CASE("a changed digit changes a value or is refused, and never moves a well") {
    std::size_t changes = 0;
    for (auto const& original : own_and_shared()) {
        auto const whole = softmax_format().parse(original);
        REQUIRE(whole);
        std::size_t const step = 1 + original.size() / 400;
        for (std::size_t at = 0; at < original.size(); at += step) {
            if (original[at] < '0' || original[at] > '9') continue;
            std::string bytes = original;
            bytes[at] = static_cast<char>('0' + (bytes[at] - '0' + 1) % 10);
            auto const read = softmax_format().parse(bytes);
            ++changes;
            if (!read || read->readings == whole->readings) continue;
            // Places that decide the shape of the plate are in its head line; their change is refused or seen as fewer readings.
            REQUIRE(read->readings.size() == whole->readings.size());
            for (std::size_t i = 0; i < read->readings.size(); ++i) {
                CHECK(read->readings[i].well == whole->readings[i].well);
            }
        }
    }
    std::cout << "softmax: " << changes << " digits changed\n";
}

TEST_CASE("the same SoftMax Pro export in other encodings and with a decimal comma reads the same (field 63)") {
    std::string const english = slurp(own_folder("softmax") / "endpoint-two-wavelengths.txt");
    auto const expected = softmax_format().parse(english);
    REQUIRE(expected);
    std::string comma = english;
    for (std::size_t at = comma.find("\t0."); at != std::string::npos; at = comma.find("\t0.", at)) comma[at + 2] = ',';
    REQUIRE(comma != english);
    for (auto const& other : {comma, utf16le(english), utf16le(comma), "\xEF\xBB\xBF" + comma}) {
        auto const read = softmax_format().parse(other);
        if (!read) FAIL(read.error().message);
        CHECK(read->readings == expected->readings);
    }
}

TEST_CASE("notes and the file's name are blanked, and the copy reads the same") {
    for (auto const& file : {"endpoint-two-wavelengths.txt", "kinetic-utf16le.txt"}) {
        INFO(file);
        std::string bytes = slurp(own_folder("softmax") / file);
        auto const before = softmax_format().parse(bytes);
        REQUIRE(before);
        REQUIRE(before->name_bearing.size() >= 2);
        std::size_t const unit = bytes.starts_with("\xFF\xFE") ? 2 : 1;
        for (auto const& bears : before->name_bearing)
            for (std::size_t i = 0; i < bears.length; i += unit) {
                bytes[bears.offset + i] = ' ';
                if (unit == 2) bytes[bears.offset + i + 1] = '\0';
            }
        std::string plain;
        for (char c : bytes)
            if (c != '\0') plain += c;
        CHECK(plain.find("Doe") == std::string::npos);
        auto const after = softmax_format().parse(bytes);
        if (!after) FAIL(after.error().message);
        CHECK(after->readings == before->readings);
    }
}
