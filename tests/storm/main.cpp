// The storms' own program; `./dev storm` builds and runs it.
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "outage.hpp"
#include "storm.hpp"
#include "tests/sim/temporary_folder.hpp"
#include "timeline.hpp"

using namespace marrowlink::storm;

namespace {
struct Options {
    std::vector<std::uint64_t> seeds;
    std::string range, resume_from, list;
    std::optional<std::uint64_t> demo;
    int hours = 48;
    unsigned jobs = 1, fresh = 0;
    bool tell = false, first = false, outage = false;
    std::uint64_t outage_records = 300'000, outage_mib = 1'024;
    std::string outage_in;
    std::string repeat = "./dev storm";
};

// "A..B"
void add_range(std::vector<std::uint64_t>& seeds, std::string const& range) {
    auto const dots = range.find("..");
    std::size_t first_end = 0, last_end = 0;
    std::uint64_t first = 1, last = 0;
    if (dots != std::string::npos) {
        first = std::stoull(range, &first_end);
        last = std::stoull(range.substr(dots + 2), &last_end);
    }
    if (first > last || first_end != dots || dots + 2 + last_end != range.size())
        throw CLI::ValidationError("--seeds", fmt::format("\"{}\" is no range; expected FIRST..LAST, such as 1..100", range));
    for (std::uint64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
}

// One seed a line, anything behind it is a remark.
void add_list(std::vector<std::uint64_t>& seeds, std::string const& file) {
    std::ifstream in(file);
    if (!in) throw CLI::ValidationError("--list", file + " cannot be read");
    for (std::string line; std::getline(in, line);)
        if (!line.empty() && line[0] != '#') seeds.push_back(std::stoull(line));
}

void account_for(StormResult const& result, Options const& options) {
    std::string text = fmt::format("\nseed {} does not balance. Its weather: {}.\nThe last {} events:\n", result.seed, result.weather,
                                   result.events.size());
    if (!options.tell)
        for (std::string const& event : result.events) text += "  " + event.substr(0, 300) + '\n';
    text += "What is wrong:\n";
    for (std::string const& fault : result.faults) text += "  " + fault.substr(0, 400) + '\n';
    std::string const hours = options.hours == 48 ? "" : fmt::format(" --hours {}", options.hours);
    text += fmt::format("Repeat it with: {} {}{}   (every event: --tell)\n", options.repeat, result.seed, hours);
    std::cout << text << std::flush;
}

StormResult run_one(Options const& options, std::uint64_t seed, std::filesystem::path const& folder) {
    StormOptions storm;
    storm.seed = seed;
    storm.hours = options.hours;
    if (options.tell) storm.listener = [](std::string const& line) { std::cout << line << '\n'; };
    return run_storm(storm, folder);
}

// What a worker tells the one who started it, once for each seed.
struct Line {
    std::uint64_t seed = 0, records = 0, measured = 0, owed = 0, deaths = 0, sectors_lost = 0;
    double seconds = 0;
    bool balances = false;
};

[[noreturn]] void work(Options const& options, unsigned worker, int out) {
    {
        marrowlink::sim::TemporaryFolder const folder;
        for (std::size_t i = worker; i < options.seeds.size(); i += options.jobs) {
            std::clock_t const began = std::clock();
            StormResult const result = run_one(options, options.seeds[i], folder.path());
            double const took = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
            if (!result.faults.empty()) account_for(result, options);
            Line const line{result.seed,         result.records, result.measured,      result.owed, result.deaths,
                            result.sectors_lost, took,           result.faults.empty()};
            if (::write(out, &line, sizeof line) != static_cast<ssize_t>(sizeof line)) break;
        }
    }
    std::cout.flush();
    ::_exit(0);
}

int run_all(Options const& options) {
    int ends[2];
    if (::pipe(ends) != 0) return 69;
    std::cout.flush();
    std::vector<pid_t> workers;
    for (unsigned worker = 0; worker < options.jobs; ++worker) {
        pid_t const pid = ::fork();
        if (pid == 0) {
            ::close(ends[0]);
            work(options, worker, ends[1]);
        }
        workers.push_back(pid);
    }
    ::close(ends[1]);

    Line total;
    std::vector<std::uint64_t> failed;
    std::size_t count = 0;
    for (Line line; ::read(ends[0], &line, sizeof line) == static_cast<ssize_t>(sizeof line);) {
        ++count;
        total.records += line.records;
        total.measured += line.measured;
        total.owed += line.owed;
        total.deaths += line.deaths;
        total.sectors_lost += line.sectors_lost;
        total.seconds += line.seconds;
        if (!line.balances) failed.push_back(line.seed);
        if (!line.balances && options.first) {
            for (pid_t const worker : workers) ::kill(worker, SIGKILL);
            break;
        }
        if (!options.resume_from.empty())
            std::ofstream(options.resume_from, std::ios::app) << line.seed << (line.balances ? " balances\n" : " FAILS\n");
        if (count % 100 == 0)
            std::cout << fmt::format("{} of {} seeds, {} of them balance; {:.2f} s of one core each\n", count, options.seeds.size(),
                                     count - failed.size(), total.seconds / static_cast<double>(count))
                      << std::flush;
    }
    bool ended_well = true;
    for (pid_t const worker : workers) {
        int status = 0;
        ::waitpid(worker, &status, 0);
        ended_well = ended_well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    ended_well = ended_well && count == options.seeds.size();
    std::cout << fmt::format(
        "{} seeds of {} virtual hours: {} balance, {} do not; {:.2f} s of one core each; {} results measured, {} owed to the centre, {} "
        "records stored; "
        "{} deaths of programs, {} sectors lost in power cuts\n",
        count, options.hours, count - failed.size(), failed.size(), count == 0 ? 0.0 : total.seconds / static_cast<double>(count),
        total.measured, total.owed, total.records, total.deaths, total.sectors_lost);
    for (std::uint64_t const seed : failed) std::cout << fmt::format("failed: {} {}\n", options.repeat, seed);
    if (!ended_well && !(options.first && !failed.empty()))
        std::cout << fmt::format("A worker ended before its time: {} of {} seeds were run.\n", count, options.seeds.size());
    return failed.empty() && ended_well ? 0 : 1;
}

// For a visitor: what happens, in plain words, and how it ends.
int narrate(Options const& options) {
    marrowlink::sim::TemporaryFolder const folder;
    StormOptions storm;
    storm.seed = *options.demo;
    storm.hours = options.hours;
    storm.listener = [](std::string const& line) {
        if (line.find("level=") == std::string::npos) std::cout << line << '\n';
    };
    std::cout << fmt::format(
        "Storm {}: {} hours in which whatever can fail does. The product is the one that is shipped; the rest is played.\n\n", storm.seed,
        storm.hours);
    StormResult const result = run_storm(storm, folder.path());
    std::cout << fmt::format("\n{} gateways, {} instruments; weather: {}.\n\n{}\n{}\n\n", result.gateways, result.instruments,
                             result.weather, result.timeline, timeline_legend);
    std::cout << fmt::format(
        "The balance\n  measured by the instruments   {:>6}\n  owed to the centre            {:>6}   (the rest was said to a gateway that "
        "was off, written over, or restored away)\n"
        "  not owed, and not there       {:>6}\n  lost, doubled or altered      {:>6}\n  records at the centre         {:>6}\n  programs "
        "killed               {:>6}\n  disk sectors lost             {:>6}\n",
        result.measured, result.owed, result.absent, result.faults.size(), result.records, result.deaths, result.sectors_lost);
    for (std::string const& fault : result.faults) std::cout << "  " << fault << '\n';
    std::cout << (result.faults.empty() ? "It balances.\n" : "It does not balance.\n");
    return result.faults.empty() ? 0 : 1;
}

constexpr std::uint64_t memory_growth_max_bytes = 48u << 20;  // whatever waits

int live_through_outage(Options const& options) {
    int wrong = 0;
    for (std::uint64_t const budget : {options.outage_mib << 23, options.outage_mib << 19}) {
        std::filesystem::path const in =
            options.outage_in.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path{options.outage_in};
        marrowlink::sim::TemporaryFolder const folder{in};
        OutageOptions outage;
        outage.records = options.outage_records;
        outage.bytes = options.outage_mib << 20;
        outage.budget_bytes = budget;
        outage.tell = [](std::string const& line) { std::cout << "  " << line << std::endl; };
        std::cout << fmt::format("{} hours without a link: {} instruments, {} records, {} MiB; the outbox may use {} MiB\n", outage.hours,
                                 outage.instruments, outage.records, outage.bytes >> 20, budget >> 20)
                  << std::flush;
        std::clock_t const began = std::clock();
        OutageResult const result = run_outage(outage, folder.path());
        std::cout << fmt::format(
            "  {}; {} lines were kept back by instruments because nobody acknowledged them\n"
            "  {} records had waited; all had left {:.0f} virtual seconds later: {:.0f} a second in the first half, {:.0f} in the second\n"
            "  resident memory of the whole simulated world: {:.1f} MiB before, {:.1f} MiB at most; {:.0f} s of one core\n",
            result.budget_reached ? "the budget was reached" : "the budget was not reached", result.refused_lines,
            result.waiting_at_end_of_outage, result.drain_seconds, result.first_half_per_s, result.second_half_per_s,
            static_cast<double>(result.memory_before_bytes) / (1 << 20), static_cast<double>(result.memory_peak_bytes) / (1 << 20),
            static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC);
        bool const bounded = result.memory_peak_bytes < result.memory_before_bytes + memory_growth_max_bytes;
        if (!bounded) std::cout << fmt::format("  wrong: memory grew by more than {} MiB\n", memory_growth_max_bytes >> 20);
        bool const steady = result.second_half_per_s > 0.8 * result.first_half_per_s;
        if (!steady) std::cout << "  wrong: the drain became slower on its way\n";
        for (std::string const& fault : result.faults) std::cout << "  wrong: " << fault << '\n';
        std::cout << (result.faults.empty() ? "  nothing was lost, doubled or altered\n" : "  it does not balance\n");
        wrong += !result.faults.empty() || !bounded || !steady;
    }
    return wrong == 0 ? 0 : 1;
}
}  // namespace

int main(int argc, char** argv) {
    Options options;
    bool resume = false;
    CLI::App app{"Runs the whole product through storms of faults, in simulated time; each must balance."};
    app.name(options.repeat);
    app.add_option("SEED", options.seeds, "Seeds to run");
    app.add_option("--seeds", options.range, "A range of seeds: FIRST..LAST");
    app.add_option("--fresh", options.fresh, "So many seeds that chance chooses");
    app.add_option("--list", options.list, "A file of seeds, one a line; they come first");
    app.add_option("--hours", options.hours, "Virtual hours of each storm")->capture_default_str()->check(CLI::Range(1, 24 * 365));
    app.add_option("--jobs", options.jobs, "Processes at once")->capture_default_str()->check(CLI::Range(1u, 64u));
    app.add_option("--progress", options.resume_from, "The file in which finished seeds are noted, for --resume");
    app.add_flag("--resume", resume, "Pass over the seeds that --progress notes as balanced");
    app.add_flag("--first", options.first, "End at the first seed that does not balance");
    app.add_flag("--outage", options.outage, "Three days without a link at full load, then with a disk budget that is reached; needs 4 GB");
    app.add_option("--records", options.outage_records, "of --outage")->capture_default_str()->check(CLI::Range(1'000, 10'000'000));
    app.add_option("--mib", options.outage_mib, "of --outage")->capture_default_str()->check(CLI::Range(1, 65'536));
    app.add_option("--in", options.outage_in, "The folder for --outage; the system's own for temporary files unless given");
    app.add_flag("--tell", options.tell, "Print every event");
    app.add_option("--demo", options.demo, "Narrate one storm for a visitor");
    try {
        app.parse(argc, argv);
        std::vector<std::uint64_t> seeds;
        if (!options.list.empty()) add_list(seeds, options.list);
        seeds.insert(seeds.end(), options.seeds.begin(), options.seeds.end());
        if (!options.range.empty()) add_range(seeds, options.range);
        for (std::random_device chance; options.fresh > 0; --options.fresh) seeds.push_back(chance());
        options.seeds = std::move(seeds);
    } catch (CLI::ParseError const& error) {
        return app.exit(error) == 0 ? 0 : 64;
    }
    if (options.demo) return narrate(options);
    if (options.outage) return live_through_outage(options);
    if (options.seeds.empty() && options.range.empty()) add_range(options.seeds, "1..20");
    if (resume) {
        std::vector<std::uint64_t> done;
        std::ifstream in(options.resume_from);
        std::uint64_t seed = 0;
        for (std::string verdict; in >> seed >> verdict;)
            if (verdict == "balances") done.push_back(seed);
        std::erase_if(options.seeds, [&](std::uint64_t one) { return std::find(done.begin(), done.end(), one) != done.end(); });
        std::cout << fmt::format("{} seeds are left to run.\n", options.seeds.size());
    } else if (!options.resume_from.empty()) {
        std::error_code ignored;
        std::filesystem::remove(options.resume_from, ignored);
    }
    if (options.tell) options.jobs = 1;
    return run_all(options);
}
