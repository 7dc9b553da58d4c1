#include "central/cohort.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace marrowlink {
using namespace central;

namespace {
json::object subject(std::string const& name, std::string const& site, std::vector<std::pair<double, double>> const& scores,
                     std::string const& doubts = "[]") {
    std::string drugs;
    int number = 0;
    for (auto const& [diagnosis, relapse] : scores)
        drugs += fmt::format(R"({}{{"drug":"drug-{}","site":"{}","diagnosis":{:.3f},"relapse":{:.3f},"delta":{:.3f}}})",
                             drugs.empty() ? "" : ",", ++number, site, diagnosis, relapse, relapse - diagnosis);
    auto parsed = json::parse(
        fmt::format(R"({{"subject":"{}","doubts":{},"drugs":[{},{{"drug":"other","not_comparable":"x"}}]}})", name, doubts, drugs), "t");
    if (!parsed) FAIL(parsed.error().message);
    return parsed->as_object();
}
json::object const& row_of(json::object const& cohort, std::size_t site, std::size_t drug) {
    return cohort.at("sites").as_array().at(site).as_object().at("drugs").as_array().at(drug).as_object();
}
}  // namespace

TEST_CASE("a cohort says of each drug and site what changed, and how large a change would have been seen") {
    std::vector<json::object> all;
    // drug-1 loses some 10 DSS2 in each, drug-2 scatters around none.
    double const changes[] = {-9.0, -10.0, -11.5, -8.5, -12.0, -10.5, -9.5, -11.0},
                 scatter[] = {1.0, -1.2, 0.7, -0.6, 1.4, -1.5, 0.3, -0.2};
    for (int i = 0; i < 8; ++i)
        all.push_back(
            subject(fmt::format("ALL-{}", i), "lyon", {{30.0, 30.0 + changes[i]}, {20.0, 20.0 + scatter[i]}}, i == 0 ? "[\"x\"]" : "[]"));
    all.push_back(subject("ALL-8", "paris", {{30.0, 20.0}}));
    auto const none = json::parse(R"({"subject":"ALL-9","doubts":["x"],"drugs":[]})", "t");
    REQUIRE(none);
    all.push_back(none->as_object());
    json::object const found = cohort(all);
    CHECK(found.at("subjects").to_number<int>() == 9);
    CHECK(found.at("doubtful").to_number<int>() == 1);
    REQUIRE(found.at("sites").as_array().size() == 2);
    json::object const& lost = row_of(found, 0, 0);
    CHECK(lost.at("n").to_number<int>() == 8);
    CHECK(lost.at("mean_delta").as_double() == Approx(-10.25));
    CHECK(lost.at("p").as_double() == Approx(2.0 / 256.0));  // all of eight on one side
    CHECK(lost.at("p_adjusted").as_double() == Approx(4.0 / 256.0));
    CHECK(lost.at("exact").as_bool());
    CHECK(json::string_of(lost, "call") == "lost effect");
    CHECK(lost.at("hi95").as_double() < -9.0);
    json::object const& unchanged = row_of(found, 0, 1);
    CHECK(json::string_of(unchanged, "call") == "no change that could be seen");
    CHECK(unchanged.at("detectable").as_double() > 0.8);
    CHECK(unchanged.at("detectable").as_double() < 1.5);
    json::object const& few = row_of(found, 1, 0);
    CHECK(json::string_of(few, "not_evaluable") == "1 of at least 3 subjects");
    CHECK_FALSE(few.contains("mean_delta"));
}

TEST_CASE("one subject far off does not turn the direction in which the others changed") {
    std::vector<json::object> all;
    for (int i = 0; i < 11; ++i) all.push_back(subject(fmt::format("ALL-{}", i), "lyon", {{20.0, 21.0 + 0.2 * i}}));
    all.push_back(subject("ALL-11", "lyon", {{45.0, 5.0}}));
    json::object const found = cohort(all);
    json::object const& row = row_of(found, 0, 0);
    CHECK(row.at("mean_delta").as_double() < 0.0);
    CHECK(row.at("p_adjusted").as_double() < 0.05);
    CHECK(json::string_of(row, "call") == "gained effect");
}

TEST_CASE("a cohort in which a drug changed nothing at all calls no change") {
    std::vector<json::object> all;
    for (int i = 0; i < 4; ++i) all.push_back(subject(fmt::format("ALL-{}", i), "lyon", {{0.0, 0.0}}));
    json::object const found = cohort(all);
    CHECK(json::string_of(row_of(found, 0, 0), "call") == "no change that could be seen");
    CHECK_FALSE(row_of(found, 0, 0).contains("p_adjusted"));
    CHECK(cohort({}).at("sites").as_array().empty());
}

}  // namespace marrowlink
