#include "central/annotations.hpp"

#include <catch2/catch.hpp>

#include "central/store.hpp"
#include "tests/sim/temporary_folder.hpp"

namespace marrowlink::central {

TEST_CASE("an annotation that changes is a new version; the same bytes are not, and the old ones stay") {
    sim::TemporaryFolder folder;
    auto database = open_with_schema(folder / "c.db", store_schema());
    REQUIRE(database);
    auto const add = [&](std::string const& barcode, std::string const& bytes) {
        return add_annotation(*database, AnnotationKind::sample, barcode, bytes, "s.csv", 1);
    };
    std::string const first = "subject,timepoint\nALL-0042,diagnosis\n";
    std::string const second = "subject,timepoint\nALL-0042,relapse\n";
    CHECK(add("P-1", first)->version == 1);
    CHECK(add("P-1", first)->unchanged);
    CHECK(add("P-2", first)->version == 1);
    auto const changed = add("P-1", second);
    REQUIRE(changed);
    CHECK(changed->version == 2);
    CHECK_FALSE(changed->unchanged);
    CHECK(add("P-1", first)->version == 3);
    auto const latest = latest_annotation(*database, AnnotationKind::sample, "P-1");
    REQUIRE(latest);
    REQUIRE(*latest);
    CHECK((*latest)->bytes == first);
    CHECK((*latest)->sha256 == sha256(first));
    CHECK_FALSE(*latest_annotation(*database, AnnotationKind::layout, "P-1"));
    auto kept = database->prepare("SELECT bytes FROM annotation WHERE barcode='P-1' AND version=2");
    REQUIRE(kept);
    REQUIRE(kept->step().value());
    CHECK(kept->blob(0) == second);
}

TEST_CASE("a barcode is one word that identifies nobody, and what is refused is not stored") {
    sim::TemporaryFolder folder;
    auto database = open_with_schema(folder / "c.db", store_schema());
    REQUIRE(database);
    std::string const sheet = "subject\nALL-0042\n";
    for (std::string const& barcode : {std::string{}, std::string{"a b"}, std::string{"12.03.2015"}, std::string{"9434765919"},
                                       std::string(barcode_bytes_max + 1, 'x'), std::string{"C:/x"}}) {
        INFO(barcode);
        auto const refused = add_annotation(*database, AnnotationKind::sample, barcode, sheet, "s.csv", 1);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().fault == Fault::refused);
    }
    CHECK(add_annotation(*database, AnnotationKind::sample, std::string(barcode_bytes_max, 'x'), sheet, "s.csv", 1));
    CHECK_FALSE(add_annotation(*database, AnnotationKind::layout, "P-1", sheet, "s.csv", 1));
    CHECK(database->pragma("page_count"));
    auto count = database->prepare("SELECT count(*) FROM annotation");
    REQUIRE(count);
    REQUIRE(count->step().value());
    CHECK(count->integer(0) == 1);
}

}  // namespace marrowlink::central
