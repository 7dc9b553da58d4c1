#include "outage.hpp"

#include <catch2/catch.hpp>

#include "tests/sim/temporary_folder.hpp"

using namespace marrowlink::storm;

// A tenth of what `./dev storm --outage` plays, with this build's sanitizers; memory is judged where the release build plays it.
TEST_CASE("three days without a link at full load: the backlog leaves at link speed, nothing is lost (field 14)") {
    marrowlink::sim::TemporaryFolder const folder{std::filesystem::temp_directory_path()};
    OutageOptions options;
    options.records = 30'000;
    options.bytes = 100u << 20;
    OutageResult const result = run_outage(options, folder.path());
    for (std::string const& fault : result.faults) {
        CAPTURE(fault);
        CHECK(fault.empty());
    }
    CHECK(result.waiting_at_end_of_outage >= 30'000);
    CHECK_FALSE(result.budget_reached);
    CHECK(result.second_half_per_s > 0.8 * result.first_half_per_s);
}

TEST_CASE(
    "the disk budget is reached during an outage: instruments are refused, nothing accepted is lost, and refusal ends by itself (field "
    "3)") {
    marrowlink::sim::TemporaryFolder const folder{std::filesystem::temp_directory_path()};
    OutageOptions options;
    options.records = 12'000;
    options.bytes = 40u << 20;
    options.budget_bytes = 16u << 20;
    OutageResult const result = run_outage(options, folder.path());
    for (std::string const& fault : result.faults) {
        CAPTURE(fault);
        CHECK(fault.empty());
    }
    CHECK(result.budget_reached);
    CHECK(result.refused_lines > 0);
    CHECK(result.waiting_at_end_of_outage < 12'000);
}
