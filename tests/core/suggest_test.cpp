#include "core/suggest.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <limits>
#include <string>

using namespace marrowlink;

TEST_CASE("edit distance counts letters inserted, lost, replaced and exchanged") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("budget", "budget") == 0);
    CHECK(edit_distance("budgett", "budget") == 1);
    CHECK(edit_distance("bugdet", "budget") == 1);
    CHECK(edit_distance("budet", "budget") == 1);
    CHECK(edit_distance("ca", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance(std::string(64, 'a'), std::string(64, 'b')) == 64);
    CHECK(edit_distance(std::string(65, 'a'), "b") == std::numeric_limits<std::size_t>::max());
}

TEST_CASE("the nearest word is suggested only when it is near") {
    std::array<std::string_view, 4> const known{"budget", "directory", "retention_days", "key"};
    CHECK(nearest("budgte", known) == "budget");
    CHECK(nearest("BUDGET", known) == "budget");
    CHECK(nearest("retention", known) == "retention_days");
    CHECK(nearest("ret", known) == std::nullopt);
    CHECK(nearest("direktori", known) == "directory");
    CHECK(nearest("kez", known) == "key");
    CHECK(nearest("kzz", known) == std::nullopt);
    CHECK(nearest(std::string(1000, 'x'), known) == std::nullopt);
    CHECK(nearest("x", {}) == std::nullopt);
}
