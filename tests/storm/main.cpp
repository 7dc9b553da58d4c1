// storm [--seeds A..B] [--hours H] [--tell] [SEED…]
#include <fmt/format.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "storm.hpp"

using namespace marrowlink::storm;

int main(int argc, char** argv) {
    std::vector<std::uint64_t> seeds;
    StormOptions options;
    for (int i = 1; i < argc; ++i) {
        std::string const word = argv[i];
        if (word == "--hours" && i + 1 < argc) {
            options.hours = std::stoi(argv[++i]);
        } else if (word == "--seeds" && i + 1 < argc) {
            std::string const range = argv[++i];
            auto const dots = range.find("..");
            for (std::uint64_t seed = std::stoull(range); seed <= std::stoull(range.substr(dots + 2)); ++seed) seeds.push_back(seed);
        } else if (word == "--tell") {
            options.listener = [](std::string const& line) { fmt::print("{}\n", line); };
        } else {
            seeds.push_back(std::stoull(word));
        }
    }
    std::string folder = "/dev/shm/storm-XXXXXX";
    if (!mkdtemp(folder.data())) return 69;
    int failed = 0;
    for (std::uint64_t const seed : seeds) {
        options.seed = seed;
        auto const began = std::chrono::steady_clock::now();
        StormResult const result = run_storm(options, folder);
        double const took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
        fmt::print(
            "seed {}: {} in {:.2f} s: {} gateways, {} instruments, {} measured ({} owed, {} not owed and absent), {} records, {} turns, {} "
            "deaths, {} sectors lost, {} dropped; {}\n",
            seed, result.faults.empty() ? "balances" : "FAILS", took, result.gateways, result.instruments, result.measured, result.owed,
            result.absent, result.records, result.turns, result.deaths, result.sectors_lost, result.dropped, result.weather);
        if (result.faults.empty()) continue;
        ++failed;
        if (!options.listener)
            for (std::string const& event : result.events) fmt::print("    {}\n", event);
        for (std::string const& fault : result.faults) fmt::print("  {}\n", fault);
    }
    std::filesystem::current_path("/");
    std::filesystem::remove_all(folder);
    return failed == 0 ? 0 : 1;
}
