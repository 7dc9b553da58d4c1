// Speed of the curve fits, and how often the intervals of DSS2 hold the truth. One JSON object a line.
//   bench_analysis speed SECONDS | plate | coverage CURVES | recompute PLATES FOLDER
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "central/analysis/bootstrap.hpp"
#include "central/analysis/plate_quality.hpp"
#include "central/analysis/random.hpp"
#include "central/annotations.hpp"
#include "central/changes.hpp"
#include "central/evaluations.hpp"
#include "central/intake.hpp"
#include "tests/central/analysis/simulated_curve.hpp"
#include "tests/central/screen.hpp"
#include "tests/central/sender.hpp"

using namespace marrowlink::analysis;

namespace {
double seconds_of(auto const& work) {
    auto const began = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// Fits a second on each of `threads` threads.
double fits_per_second(bool four_parameters, double seconds, unsigned threads) {
    std::vector<Doses> curves;
    PhiloxKey const key = key_of("speed");
    for (std::uint64_t i = 0; i < 2000; ++i) {
        auto const words = philox({static_cast<std::uint32_t>(i), 0, 0, 0}, key);
        auto const share = [&](std::size_t k) { return words[k] * 0x1p-32; };
        curves.push_back(
            noisy(curve(0.5 + 2.0 * share(0), 0.5 + 3.0 * share(1), 30.0 + 70.0 * share(2)), four_parameters ? 10 : 5, 1, 6.0, key, i));
    }
    auto const bounds = four_parameters ? wide_bounds(curves.front()) : score_bounds(curves.front());
    LogisticGrid const grid(curves.front().doses, bounds);
    std::vector<std::size_t> fits(threads);
    std::vector<std::thread> running;
    double const took = seconds_of([&] {
        for (unsigned t = 0; t < threads; ++t)
            running.emplace_back([&, t] {
                auto const end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
                double sum = 0.0;
                while (std::chrono::steady_clock::now() < end)
                    for (std::size_t i = 0; i < 100; ++i, ++fits[t])
                        sum += grid.fit(curves[(fits[t] + t * 1000) % curves.size()], bounds).sse;
                if (sum < 0.0) std::cerr << "impossible\n";
            });
        for (auto& thread : running) thread.join();
    });
    std::size_t all = 0;
    for (std::size_t const one : fits) all += one;
    return static_cast<double>(all) / took;
}

// A store of plates of one 96-well screen each, two drugs in five doses and eight replicates; evaluated once, and all of them again.
int recompute(int plates, std::string const& folder) {
    namespace central = marrowlink::central;
    auto const stop = [](marrowlink::Error const& error) {
        std::cerr << error.message << '\n';
        return 70;
    };
    auto intake = central::Intake::open(std::filesystem::path{folder} / "central.db");
    if (!intake) return stop(intake.error());
    auto& database = (*intake)->database();
    marrowlink::test::Sender sender{"c6f1d1b6-6c1c-4e4a-9a5e-0d7f3a0f5a01"};
    for (int i = 0; i < plates; ++i) {
        std::string const barcode = fmt::format("ALL-P{:05}", i);
        for (auto const& [kind, bytes] :
             {std::pair{central::AnnotationKind::layout, marrowlink::test::screen_layout()},
              std::pair{central::AnnotationKind::sample,
                        marrowlink::test::screen_sample(fmt::format("ALL-{:04}", i / 2), i % 2 ? "relapse" : "diagnosis")}})
            if (auto const added = central::add_annotation(database, kind, barcode, bytes, "file.csv", 1); !added)
                return stop(added.error());
        (*intake)->add(sender.send(marrowlink::test::screen_run({"reader-1", "folder", barcode, barcode}, barcode,
                                                                {{"dasatinib", 0.5 + i % 30 * 0.1}, {"venetoclax", 3.5 - i % 29 * 0.1}})));
        if (i % 100 == 99 || i + 1 == plates)
            if (auto const taken = (*intake)->commit(1); !taken) return stop(taken.error());
    }
    auto evaluations = central::Evaluations::over(database);
    if (!evaluations) return stop(evaluations.error());
    auto const evaluate_all = [&] {
        return seconds_of([&] {
            for (;;)
                if (auto const done = evaluations->evaluate_next(1); !done || !*done) break;
        });
    };
    double const first = evaluate_all();
    if (auto const marked = evaluations->all_again(); !marked) return stop(marked.error());
    double const again = evaluate_all();
    auto const stored = central::latest_evaluation(database);
    if (!stored || *stored != plates) return stop({marrowlink::Fault::broken, "Not every plate was evaluated once."});
    std::cout << fmt::format("{{\"plates\": {}, \"first_s\": {:.2f}, \"again_s\": {:.2f}}}\n", plates, first, again);
    return 0;
}

void plate() {
    std::vector<PlateWell> wells;
    NormalStream normal(key_of("plate"), 0);
    for (std::uint32_t row = 1; row <= 16; ++row)
        for (std::uint32_t column = 1; column <= 24; ++column) {
            Role const role = (row + column) % 12 == 0 ? Role::negative : (row + column) % 12 == 6 ? Role::positive : Role::sample;
            wells.push_back({row, column, role, (role == Role::positive ? 100.0 : 1000.0) + 30.0 * normal.next()});
        }
    std::vector<Doses> curves;
    for (std::uint64_t i = 0; i < 75; ++i) curves.push_back(noisy(curve(1.0, 2.0, 80.0), 5, 1, 6.0, key_of("plate"), i + 1));
    double sink = 0.0;
    double const once = seconds_of([&] {
        Normalisation const rule(Controls::of(wells));
        for (PlateWell const& well : wells) sink += rule(well.signal).npi_median;
        sink += quality_of(wells).zprime_sample;
        for (Doses const& doses : curves) sink += fit_logistic(doses, wide_bounds(doses)).sse + score_interval(doses, "x", 0).fimm.dss2;
    });
    double const drawn = seconds_of([&] {
        for (std::size_t i = 0; i < curves.size(); ++i) sink += score_interval(curves[i], std::to_string(i)).dss2_fimm.hi;
    });
    std::cout << "{\"plate_ms\": " << once * 1e3 << ", \"bootstrap_s\": " << drawn << ", \"sum\": " << sink << "}\n";
}

void coverage(int doses, int replicates, std::uint32_t curves) {
    std::string const seed = "coverage " + std::to_string(doses) + " x " + std::to_string(replicates);
    PhiloxKey const key = key_of(seed);
    std::uint32_t held = 0;
    double width = 0.0;
    for (std::uint32_t i = 0; i < curves; ++i) {
        auto const words = philox({i, 1, 0, 0}, key);
        auto const share = [&](std::size_t k) { return words[k] * 0x1p-32; };
        auto const truth = curve(0.5 * std::pow(5.0, share(0)), 0.5 + 3.0 * share(1), 30.0 + 70.0 * share(2));
        auto const interval =
            score_interval(noisy(truth, doses, replicates, 6.0, key, 1'000'000 + i), seed + " curve " + std::to_string(i)).dss2_fimm;
        double const score = sensitivity_scores(truth.midpoint, truth.slope, truth.top, 0.0, 4.0, ScoreRule::fimm).dss2;
        held += score >= interval.lo && score <= interval.hi;
        width += interval.hi - interval.lo;
    }
    std::cout << "{\"doses\": " << doses << ", \"replicates\": " << replicates << ", \"curves\": " << curves
              << ", \"held\": " << static_cast<double>(held) / curves << ", \"width\": " << width / curves << ", \"seed\": \"" << seed
              << "\"}\n";
}
}  // namespace

int main(int argc, char** argv) {
    std::string const what = argc > 1 ? argv[1] : "";
    if (what == "speed" && argc == 3) {
        for (bool const four : {false, true})
            for (unsigned const threads : {1u, 2u})
                std::cout << "{\"model\": \"" << (four ? "4PL, 10 points" : "3PL, 5 doses") << "\", \"threads\": " << threads
                          << ", \"fits_per_s\": " << fits_per_second(four, std::stod(argv[2]), threads) << "}\n"
                          << std::flush;
    } else if (what == "recompute" && argc == 4) {
        return recompute(std::stoi(argv[2]), argv[3]);
    } else if (what == "plate") {
        plate();
    } else if (what == "coverage" && argc == 3) {
        auto const curves = static_cast<std::uint32_t>(std::stoul(argv[2]));
        coverage(5, 1, curves);
        coverage(5, 3, curves);
        coverage(8, 3, curves);
    } else {
        std::cerr << "usage: bench_analysis speed SECONDS | plate | coverage CURVES | recompute PLATES FOLDER\n";
        return 64;
    }
    return 0;
}
