#include "central/subjects.hpp"

#include <catch2/catch.hpp>

#include "central/analysis/change.hpp"
#include "tests/central/evaluated_store.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
class World : public EvaluatedStore {
 public:
    json::object compare(std::string const& subject = "ALL-0042") {
        auto found = comparison_of(database(), subject);
        if (!found) FAIL(found.error().message);
        return *found;
    }
};
std::string at(json::object const& comparison, std::size_t drug, std::string_view member) {
    return std::string{json::string_of(comparison.at("drugs").as_array().at(drug).as_object(), member)};
}
}  // namespace

TEST_CASE("drugs that gained or lost effect from diagnosis to relapse are called so, largest change first") {
    World world;
    Sender sender{stream_a};
    CHECK(world.compare().empty());
    world.plate(sender, "ALL-P1", screen_sample("ALL-0042", "diagnosis"), {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    CHECK(at(world.compare(), 0, "not_comparable") == "no curve at relapse");
    world.plate(sender, "ALL-P2", screen_sample("ALL-0042", "relapse"), {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
    json::object const compared = world.compare();
    CHECK(json::string_of(compared, "definition") == "dss2/cont-v1");
    CHECK(compared.at("plates").as_array().size() == 2);
    CHECK(compared.at("doubts").as_array().empty());
    CHECK(at(compared, 0, "drug") == "dasatinib");
    CHECK(at(compared, 0, "call") == "lost effect");
    CHECK(at(compared, 1, "call") == "no change that could be seen");
    json::object const& lost = compared.at("drugs").as_array()[0].as_object();
    CHECK(lost.at("delta").as_double() < -analysis::detectable_dss2_min);
    CHECK(lost.at("lo95").as_double() < lost.at("delta").as_double());
    CHECK(lost.at("hi95").as_double() < 0.0);
    auto const listed = subjects(world.database());
    REQUIRE(listed);
    CHECK(json::serialize(*listed) == R"([{"subject":"ALL-0042","plates":2}])");
}

TEST_CASE("what cannot be compared is not, and says why") {
    World world;
    Sender sender{stream_a};
    std::string const relapse = screen_sample("ALL-0042", "relapse");
    world.plate(sender, "ALL-P1", screen_sample("ALL-0042", "diagnosis"), {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    SECTION("two curves at a timepoint") {
        world.plate(sender, "ALL-P2", relapse, {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
        world.plate(sender, "ALL-P3", relapse, {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
        CHECK(at(world.compare(), 0, "not_comparable") == "2 curves at relapse");
    }
    SECTION("another site") {
        Sender elsewhere{stream_b, "paris"};
        world.plate(elsewhere, "ALL-P2", relapse, {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
        CHECK(at(world.compare(), 0, "not_comparable") ==
              "diagnosis was measured at lyon, relapse at paris, and no bridging control joins them");
    }
    SECTION("other doses") {
        std::string layout = screen_layout();
        for (std::size_t place = 0; (place = layout.find(",10000,nM", place)) != std::string::npos;) layout.replace(place, 9, ",20000,nM");
        world.plate(sender, "ALL-P2", relapse, {{"dasatinib", 3.2}, {"venetoclax", 2.4}}, layout);
        CHECK(at(world.compare(), 0, "not_comparable") == "doses of 1 to 1e+04 nM at diagnosis, 1 to 2e+04 nM at relapse");
    }
    SECTION("a sample sheet with a gap") {
        world.plate(sender, "ALL-P2", "subject,timepoint,compartment,medium\nALL-0042,relapse,blood,RPMI 1640\n",
                    {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
        CHECK(at(world.compare(), 0, "not_comparable") == "no curve at relapse");
        CHECK(json::string_of(world.compare().at("plates").as_array()[1].as_object(), "state") == "incomplete");
    }
    SECTION("another compartment is said") {
        world.plate(sender, "ALL-P2", "subject,timepoint,compartment,medium,hours_to_test\nALL-0042,relapse,blood,RPMI 1640,30\n",
                    {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
        CHECK(world.compare().at("doubts").as_array().at(0).as_string() ==
              "The compartment is bone marrow at diagnosis and blood at relapse; this alone can shift scores.");
        CHECK(at(world.compare(), 0, "call") == "lost effect");
    }
}

TEST_CASE("a compartment that differs between two plates of one timepoint is said, and a corrected pseudonym is no subject any more") {
    World world;
    Sender sender{stream_a};
    auto const sample = [](std::string const& timepoint, std::string const& compartment, std::string const& subject = "ALL-0042") {
        return "subject,timepoint,compartment,medium,hours_to_test\n" + subject + "," + timepoint + "," + compartment + ",RPMI 1640,24\n";
    };
    world.plate(sender, "ALL-P1", sample("diagnosis", "bone marrow"), {{"dasatinib", 1.0}, {"venetoclax", 2.5}});
    world.plate(sender, "ALL-P2", sample("diagnosis", "blood", "ALL-0024"), {{"dasatinib", 1.0}, {"venetoclax", 2.5}},
                screen_layout("cytarabine", "idasanutlin"));
    world.plate(sender, "ALL-P3", sample("relapse", "blood"), {{"dasatinib", 3.2}, {"venetoclax", 2.4}});
    world.annotate(central::AnnotationKind::sample, "ALL-P2", sample("diagnosis", "blood"));
    world.evaluate();
    CHECK(world.compare().at("doubts").as_array().at(0).as_string() ==
          "The compartment is blood or bone marrow at diagnosis and blood at relapse; this alone can shift scores.");
    CHECK(json::serialize(*subjects(world.database())) == R"([{"subject":"ALL-0042","plates":3}])");
    CHECK(world.compare("ALL-0024").empty());
    CHECK(world.compare("").empty());
}

TEST_CASE("a change is called only at what could be detected") {
    using analysis::score_change;
    using Call = analysis::ScoreChange::Call;
    CHECK(score_change({10.0, 0.5}, {15.7, 0.5}).call == Call::none_seen);
    CHECK(score_change({10.0, 0.5}, {15.8, 0.5}).call == Call::gained);
    CHECK(score_change({15.8, 0.5}, {10.0, 0.5}).call == Call::lost);
    CHECK(score_change({10.0, 4.0}, {20.0, 4.0}).call == Call::none_seen);
    CHECK(score_change({10.0, 4.0}, {20.0, 4.0}).detectable == Approx(1.959963984540054 * std::sqrt(32.0)));
    // A drug that has lost all effect has lost it, but how surely its score does not say.
    CHECK(score_change({20.0, 1.0}, {0.0, 0.0}).call == Call::lost);
    CHECK(std::isnan(score_change({20.0, 1.0}, {0.0, 0.0}).lo));
}

}  // namespace marrowlink
