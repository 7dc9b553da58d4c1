#include "central/evaluations.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "central/schema.hpp"
#include "tests/central/evaluated_store.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
class World : public EvaluatedStore {
 public:
    std::int64_t count(std::string const& table) {
        auto statement = intake->database().prepare("SELECT count(*) FROM " + table);
        REQUIRE(statement);
        REQUIRE(statement->step().value());
        return statement->integer(0);
    }
    json::object latest(std::string const& run) {
        auto statement = intake->database().prepare(
            "SELECT result FROM evaluation JOIN run ON run.id = evaluation.run WHERE run.run=?1 ORDER BY evaluation.id DESC LIMIT 1");
        REQUIRE(statement);
        statement->bind_text(1, run);
        REQUIRE(statement->step().value());
        auto parsed = json::parse(statement->text(0), "result");
        REQUIRE(parsed);
        return parsed->get_object();
    }
};

json::object const& drug(json::object const& result, std::string_view name) {
    for (auto const& one : result.at("drugs").as_array())
        if (json::string_of(one.as_object(), "drug") == name) return one.as_object();
    FAIL("no drug " << name);
    return result;
}
}  // namespace

TEST_CASE("a whole run with layout and sample sheet is evaluated, and its gateway hears the plate's verdict") {
    World world;
    Sender sender{stream_a};
    world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
    world.annotate(AnnotationKind::sample, "ALL-P1", screen_sample("ALL-0042", "diagnosis"));
    std::vector<Message> messages = sender.send(screen_run(identity("k1"), "ALL-P1", {{"dasatinib", 1.5}, {"venetoclax", 2.5}}));
    Message const last = messages.back();
    messages.pop_back();
    world.take(std::move(messages));
    CHECK(world.evaluate().empty());
    world.take({last});
    auto const answers = world.evaluate();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].run == identity("k1").run);
    CHECK(answers[0].verdict == "counted");
    CHECK(answers[0].plate_verdict == "pass");
    auto const parsed = json::parse(answers[0].json(), "answer");
    REQUIRE(parsed);
    CHECK_FALSE(Schemas::of_wire().mismatch("answer", *parsed));
    CHECK(json::string_of(parsed->as_object().at("plate_quality").as_object(), "verdict") == "pass");

    json::object const result = world.latest(identity("k1").run);
    CHECK(json::string_of(result, "state") == "evaluated");
    CHECK(json::string_of(result, "subject") == "ALL-0042");
    CHECK(json::string_of(result.at("layout").as_object(), "sha256") == hex(sha256(screen_layout())));
    CHECK(result.at("files").as_array().size() == 1);
    CHECK(json::integer_of(result, "used") == 96);
    json::object const& dasatinib = drug(result, "dasatinib");
    CHECK(dasatinib.at("midpoint").as_double() == Approx(1.5).margin(0.1));
    CHECK(drug(result, "venetoclax").at("midpoint").as_double() == Approx(2.5).margin(0.1));
    CHECK(dasatinib.at("dss2_cont_se").as_double() > 0.0);
    json::object const& quality = result.at("quality").as_object();
    CHECK(json::integer_of(quality, "replicate_pairs") == 10 * 28);  // doses of both drugs, and pairs of eight replicates
    CHECK(quality.at("replicate_r2").as_double() > 0.98);
    json::object const& first = result.at("wells").as_array().at(1).as_object();
    CHECK(first.at("npi_iqr").as_double() == Approx(first.at("inhibition_pct").as_double()).margin(2.0));
    CHECK(world.evaluate().empty());
    CHECK(world.count("due") == 0);

    // A gateway that was away hears it at its birth.
    world.intake->add({sender.birth()});
    auto const taken = world.intake->commit(3'000);
    REQUIRE(taken);
    REQUIRE(taken->answers.size() == 1);
    CHECK(taken->answers[0].plate_verdict == "pass");
}

TEST_CASE("layouts that come late or change are evaluated with again, and what was computed before stays") {
    World world;
    Sender sender{stream_a};
    world.take(sender.send(screen_run(identity("k1"), "ALL-P1", {{"dasatinib", 1.5}, {"venetoclax", 2.5}})));
    CHECK(world.evaluate().empty());
    world.annotate(AnnotationKind::sample, "ALL-P1", screen_sample("ALL-0042", "diagnosis"));
    CHECK(world.evaluate().at(0).plate_reason == "no layout has been given for this barcode");
    CHECK(json::string_of(world.latest(identity("k1").run), "state") == "incomplete");
    world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
    CHECK(world.evaluate().at(0).plate_verdict == "pass");
    std::string swapped = screen_layout();
    for (std::size_t at = 0; (at = swapped.find("dasatinib", at)) != std::string::npos;) swapped.replace(at, 9, "imatinib");
    world.annotate(AnnotationKind::layout, "ALL-P1", swapped);
    CHECK(world.evaluate().size() == 1);
    json::object const result = world.latest(identity("k1").run);
    CHECK(json::integer_of(result.at("layout").as_object(), "version") == 2);
    CHECK(drug(result, "imatinib").at("midpoint").as_double() == Approx(1.5).margin(0.1));
    CHECK(world.count("evaluation") == 3);
    // The same bytes again are no news.
    world.annotate(AnnotationKind::layout, "ALL-P1", swapped);
    CHECK(world.evaluate().empty());
}

TEST_CASE("what cannot be evaluated says why and has no numbers") {
    World world;
    Sender sender{stream_a};
    world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
    world.annotate(AnnotationKind::sample, "ALL-P1", screen_sample("ALL-0042", "diagnosis"));
    auto const run = [&](std::vector<Draft> const& drafts) {
        world.take(sender.send(drafts));
        auto const answers = world.evaluate();
        REQUIRE_FALSE(answers.empty());
        json::object const result = world.latest(identity("k1").run);
        CHECK_FALSE(result.contains("drugs"));
        CHECK(answers.back().plate_verdict == "not evaluable");
        return answers.back().plate_reason;
    };
    auto readings = screen_readings({{"dasatinib", 1.5}, {"venetoclax", 2.5}});
    SECTION("a well that was not read") {
        readings.erase(readings.begin() + 30);
        CHECK(run(readings_run(identity("k1"), "ALL-P1", readings)) == "1 of the layout's 96 wells were not read: C7");
    }
    SECTION("a well twice") {
        readings.push_back(readings[30]);
        CHECK(run(readings_run(identity("k1"), "ALL-P1", readings)) == "well C7 was read twice");
    }
    SECTION("another plate size") {
        readings.push_back(readings[30]);
        readings.back().well = "P24";
        CHECK(run(readings_run(identity("k1"), "ALL-P1", readings)) == "the layout is for 96 wells, the run has well P24");
    }
    SECTION("two reads") {
        readings.push_back(readings[30]);
        readings.back().read = "OD600";
        CHECK(run(readings_run(identity("k1"), "ALL-P1", readings)).starts_with("2 data sets in one run (Lum, OD600)"));
    }
    SECTION("two plates") {
        readings.back().plate = "ALL-P2";
        CHECK(run(readings_run(identity("k1"), "ALL-P1", readings)).starts_with("2 plates in one run"));
    }
    SECTION("no controls left") {
        for (Reading& reading : readings)
            if (reading.well.ends_with('1') && reading.well.size() == 2) reading = {"", "Lum", reading.well, "", "", "", "", "", "OVRFLW"};
        world.take(sender.send(readings_run(identity("k1"), "ALL-P1", readings)));
        CHECK(world.evaluate().at(0).plate_reason == "0 negative and 8 positive controls; at least 8 and 4 are needed");
        json::object const result = world.latest(identity("k1").run);
        CHECK(result.at("drugs").as_array().empty());
        CHECK(json::integer_of(result, "excluded") == 8);
    }
}

TEST_CASE("two runs under one barcode are neither of them evaluated, until a person corrects one") {
    World world;
    Sender sender{stream_a};
    world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
    world.annotate(AnnotationKind::sample, "ALL-P1", screen_sample("ALL-0042", "diagnosis"));
    world.take(sender.send(screen_run(identity("k1"), "ALL-P1", {{"dasatinib", 1.5}, {"venetoclax", 2.5}})));
    CHECK(world.evaluate().at(0).plate_verdict == "pass");
    world.take(sender.send(screen_run(identity("k2"), "ALL-P1", {{"dasatinib", 1.0}, {"venetoclax", 2.5}})));
    auto const both = world.evaluate();
    REQUIRE(both.size() == 2);
    for (Answer const& answer : both) {
        CHECK(answer.plate_verdict == "not evaluable");
        CHECK(answer.plate_reason.starts_with("2 runs stand under one barcode (lyon/reader-1 "));
    }
    world.take({sender.send(run_labelled(identity("k2"), "ALL-P2", "Ada", "typed the wrong plate", "1"))});
    auto const after = world.evaluate();
    REQUIRE(after.size() == 2);
    CHECK(after[0].plate_verdict == "pass");
    CHECK(after[1].plate_reason == "no layout has been given for this barcode");
}

TEST_CASE("another version of the software evaluates anew at its start, and the same one does not") {
    World world;
    Sender sender{stream_a};
    world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
    world.take(sender.send(screen_run(identity("k1"), "ALL-P1", {{"dasatinib", 1.5}, {"venetoclax", 2.5}})));
    CHECK(world.evaluate().at(0).plate_reason == "no sample sheet has been given for this barcode");
    world.open();
    CHECK(world.count("due") == 0);
    REQUIRE(world.intake->database().exec("UPDATE evaluation SET software='0.0.9', result='{}'"));
    world.open();
    CHECK(world.count("due") == 1);
    CHECK(world.evaluate().size() == 1);
    CHECK(world.count("evaluation") == 2);
}

TEST_CASE("the order in which wells and records come changes no bit of a result") {
    std::string first;
    for (int shuffle = 0; shuffle < 4; ++shuffle) {
        World world;
        Sender sender{stream_a};
        world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
        auto readings = screen_readings({{"dasatinib", 1.5}, {"venetoclax", 2.5}});
        for (std::size_t i = readings.size() - 1; i > 0 && shuffle > 0; --i)
            std::swap(readings[i], readings[(i * 7919 + static_cast<std::size_t>(shuffle) * 104729) % (i + 1)]);
        world.take(sender.send(readings_run(identity("k1"), "ALL-P1", readings)));
        world.evaluate();
        std::string const result = json::serialize(world.latest(identity("k1").run));
        if (shuffle == 0) first = result;
        CHECK(result == first);
    }
}

}  // namespace marrowlink
