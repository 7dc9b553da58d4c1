#include "central/changes.hpp"

#include <catch2/catch.hpp>

#include "central/evaluations.hpp"
#include "tests/central/evaluated_store.hpp"

namespace marrowlink {
using namespace central;
using namespace test;

namespace {
json::object object(std::string const& text) {
    auto parsed = json::parse(text, "test");
    REQUIRE(parsed);
    return parsed->as_object();
}

class World : public EvaluatedStore {
 public:
    void take(std::vector<Draft> const& drafts) { EvaluatedStore::take(sender.send(drafts)); }
    std::size_t evaluate(std::size_t threads) {
        auto evaluations = Evaluations::over(database(), threads);
        REQUIRE(evaluations);
        for (std::size_t turns = 0;; ++turns) {
            auto const done = evaluations->evaluate_next(1'764'000'000'000);
            REQUIRE(done);
            if (!*done) return turns;
        }
    }
    std::vector<std::string> results() {
        auto select = database().prepare("SELECT result FROM evaluation ORDER BY run, id");
        REQUIRE(select);
        std::vector<std::string> out;
        while (select->step().value()) out.emplace_back(select->text(0));
        return out;
    }
    std::string changes(std::int64_t since = 0) {
        auto const table = changes_since(database(), since);
        if (!table) FAIL(table.error().message);
        return table->csv();
    }
    Sender sender{stream_a};
};
constexpr std::string_view heading = "site,instrument,run,barcode,subject,evaluated,why,what,before,after\n";
}  // namespace

TEST_CASE("what differs between two results is named, drug by drug, and what they rest on is the reason") {
    json::object const before = object(
        R"({"state":"evaluated","software":"0.1.0","layout":{"version":1,"sha256":"aaaaaaaaaa"},"quality":{"verdict":"pass","reasons":[],"zprime":0.5},)"
        R"("drugs":[{"drug":"a","dss2_cont":10.5,"x":[1]},{"drug":"b","dss2_cont":1.0}]})");
    json::object const after = object(
        R"({"state":"evaluated","software":"0.2.0","layout":{"version":2,"sha256":"bbbbbbbbbb"},"sample":{"version":1,"sha256":"cccccccccc"},"subject":"ALL-1",)"
        R"("quality":{"verdict":"review","reasons":["edge"],"zprime":0.5},"drugs":[{"drug":"a","dss2_cont":11.0,"x":[2]},{"drug":"c","dss2_cont":2.0}]})");
    CHECK(changes_between(before, before).empty());
    CHECK(why_changed(before, before).empty());
    CHECK(why_changed(before, after) ==
          "software: 0.1.0, then 0.2.0; layout: version 1 (aaaaaaaa), then version 2 (bbbbbbbb); sample sheet: none, then version 1 "
          "(cccccccc)");
    std::string all;
    for (ResultChange const& change : changes_between(before, after))
        all += change.what + ": " + change.before + " -> " + change.after + "\n";
    CHECK(all ==
          "verdict: pass -> review\nsubject:  -> ALL-1\nquality reasons: [] -> [\"edge\"]\na dss2_cont: 10.5 -> 11\nb dss2_cont: 1 -> \n"
          "c dss2_cont:  -> 2\n");
}

TEST_CASE("plates evaluated side by side come out as one after another, and again as before") {
    World one, many;
    for (World* const world : {&one, &many})
        for (int i = 0; i < 7; ++i) {
            std::string const barcode = fmt::format("ALL-P{}", i);
            world->annotate(AnnotationKind::layout, barcode, screen_layout());
            world->annotate(AnnotationKind::sample, barcode, screen_sample("ALL-0042", i < 3 ? "diagnosis" : "relapse"));
            world->take(screen_run(identity(barcode), barcode, {{"dasatinib", 1.0 + 0.3 * i}, {"venetoclax", 2.5}}));
        }
    CHECK(one.evaluate(1) == 7);
    CHECK(many.evaluate(3) == 3);
    CHECK(many.results().size() == 7);
    CHECK(many.results() == one.results());

    auto evaluations = Evaluations::over(many.database(), 3);
    REQUIRE(evaluations);
    REQUIRE(evaluations->all_again());
    CHECK(evaluations->due().value() == 7);
    CHECK(many.evaluate(3) == 3);
    CHECK(many.results().size() == 7);  // nothing differs, nothing is added
    CHECK(many.changes() == heading);
}

TEST_CASE("a changed layout, another version and a second run under one barcode are each named as what changed a result") {
    World world;
    world.annotate(AnnotationKind::layout, "ALL-P1", screen_layout());
    world.annotate(AnnotationKind::sample, "ALL-P1", screen_sample("ALL-0042", "diagnosis"));
    world.take(screen_run(identity("k1"), "ALL-P1", {{"dasatinib", 1.0}, {"venetoclax", 2.5}}));
    world.evaluate(1);
    std::string other = screen_layout();
    for (std::size_t place = 0; (place = other.find(",10000,nM", place)) != std::string::npos;) other.replace(place, 9, ",20000,nM");
    world.annotate(AnnotationKind::layout, "ALL-P1", other);
    world.evaluate(1);
    std::string const first = world.changes();
    CHECK(first.find(fmt::format("\"layout: version 1 ({:.8}), then version 2 ({:.8})\",dasatinib xmax,4,4.3", hex(sha256(screen_layout())),
                                 hex(sha256(other)))) != std::string::npos);
    CHECK(first.find("ALL-P1,ALL-0042,2025-11-24T") != std::string::npos);

    auto const so_far = latest_evaluation(world.database());
    REQUIRE(so_far);
    REQUIRE(
        world.database().exec("UPDATE evaluation SET software='0.0.1', result=replace(replace(result, '\"software\":\"0.1.0\"', "
                              "'\"software\":\"0.0.1\"'), '\"zprime\":', '\"zprime\":-') WHERE id=2"));
    world.evaluate(1);
    CHECK(world.changes(*so_far).find("\"software: 0.0.1, then 0.1.0\",quality zprime,-0.9") != std::string::npos);

    auto const then = latest_evaluation(world.database());
    REQUIRE(then);
    world.take(screen_run(identity("k2"), "ALL-P1", {{"dasatinib", 1.0}, {"venetoclax", 2.5}}));
    world.evaluate(1);
    CHECK(world.changes(*then).find("\"another run under this barcode, or another build of this version\",verdict,pass,not evaluable\n") !=
          std::string::npos);
}

}  // namespace marrowlink
