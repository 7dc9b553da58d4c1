// What must hold for every SoftMax Pro file.
#include <catch2/catch.hpp>

#include "drivers/softmax/parse.hpp"
#include "tests/drivers/plate_properties.hpp"
#include "tests/drivers/plate_samples.hpp"

using namespace marrowlink;
using namespace plate_test;

namespace {

std::vector<std::string> own_and_shared() {
    return whole_files(softmax_format(), {own_folder("softmax"), shared_folder() / "instruments/files/moldev-softmax-pro"}, ".txt");
}

}  // namespace

TEST_CASE("no beginning of a SoftMax Pro file passes for the whole (field 62)") {
    no_beginning_passes(softmax_format(), own_and_shared(), only_line_end);
}

TEST_CASE("a changed digit of a SoftMax Pro file changes a value or is refused, and never moves a well") {
    changed_digits_move_no_well(softmax_format(), own_and_shared());
}

TEST_CASE("the same SoftMax Pro export in other encodings and with a decimal comma reads the same (field 63)") {
    std::string const english = slurp(own_folder("softmax") / "endpoint-two-wavelengths.txt");
    auto const expected = softmax_format().parse(english);
    REQUIRE(expected);
    std::string ascii = english;
    std::erase_if(ascii, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    std::string comma = ascii;
    for (std::size_t at = comma.find("0."); at != std::string::npos; at = comma.find("0.", at)) comma[at + 1] = ',';
    REQUIRE(comma != ascii);
    for (auto const& other : {comma, utf16le(ascii), utf16le(comma), "\xEF\xBB\xBF" + comma}) {
        auto const read = softmax_format().parse(other);
        if (!read) FAIL(read.error().message);
        CHECK(read->readings == expected->readings);
    }
}

TEST_CASE("notes and the file's name in a SoftMax Pro export are blanked, and the copy reads the same") {
    for (auto const& file : {"endpoint-two-wavelengths.txt", "kinetic-utf16le.txt"})
        names_are_blanked(softmax_format(), slurp(own_folder("softmax") / file), "Doe");
}
