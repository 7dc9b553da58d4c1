#include "central/analysis/screened_plate.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "central/analysis/hypothesis.hpp"

namespace marrowlink::analysis {

TEST_CASE("how far replicates agree is said of samples of one drug and dose, and controls do not count") {
    // Negative wells read 100, positive ones 0, so that a signal is 100 less its inhibition. Four doses in three replicates.
    constexpr int inhibitions[4][3] = {{10, 12, 14}, {30, 30, 30}, {60, 66, 63}, {90, 90, 96}};
    std::string text = "well,drug,concentration,unit,role,replicate\n";
    std::vector<Reading> readings;
    int well = 0;
    auto const put = [&](std::string const& what, int signal) {
        Reading reading;
        reading.read = "Lum";
        reading.well = fmt::format("{}{}", static_cast<char>('A' + well / 6), well % 6 + 1);
        reading.value = std::to_string(signal);
        text += reading.well + what + '\n';
        readings.push_back(std::move(reading));
        ++well;
    };
    for (int i = 0; i < 8; ++i) put(",,,,negative,", i % 2 == 0 ? 99 : 101);
    for (int i = 0; i < 4; ++i) put(",BzCl,100,uM,positive,", i % 2 == 0 ? -1 : 1);
    constexpr char const* doses[] = {"1", "10", "100", "1000"};
    for (int dose = 0; dose < 4; ++dose)
        for (int replicate = 0; replicate < 3; ++replicate)
            put(fmt::format(",drug,{},nM,sample,{}", doses[dose], replicate + 1), 100 - inhibitions[dose][replicate]);
    auto const layout = PlateLayout::read(text, "layout.csv");
    if (!layout) FAIL(layout.error().message);
    auto const plate = ScreenedPlate::of(readings, *layout, "", "id");
    REQUIRE(plate.not_evaluable.empty());
    CHECK(plate.replicates.pairs == 12);
    CHECK(plate.replicates.sd_pct == Approx(2.5));  // squares of 8, 0, 18 and 24 over 8 degrees of freedom
    double const first[] = {10, 10, 12, 30, 30, 30, 60, 60, 66, 90, 90, 90}, second[] = {12, 14, 14, 30, 30, 30, 66, 63, 63, 90, 96, 96};
    double const r = pearson(first, second);
    CHECK(plate.replicates.r2 == Approx(r * r));
    CHECK(plate.wells[12].inhibition.npi_median == Approx(10.0));
    CHECK(plate.wells[12].inhibition.npi_mean == Approx(10.0));
}

}  // namespace marrowlink::analysis
