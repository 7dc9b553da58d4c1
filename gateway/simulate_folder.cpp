// Software that writes export files.
#include <fmt/format.h>

#include <fstream>
#include <iostream>

#include "drivers/example_export.hpp"
#include "gateway/read.hpp"
#include "gateway/simulate.hpp"
#include "gateway/simulator_bench.hpp"
#include "io/whole_file.hpp"

namespace marrowlink {
namespace {
namespace fs = std::filesystem;

constexpr std::size_t growth_steps = 10;  // of one file
constexpr int slower = 4;

class ExportBench {
 public:
    explicit ExportBench(SimulateFolderOptions const& options)
        : options_(options), faults_(faults_of(options.variant)), random_({}, options.seed) {}

    Result<void> run() {
        std::error_code error;
        fs::create_directories(options_.folder, error);
        if (error) return fail(Fault::unavailable, fmt::format("{} could not be made: {}.", options_.folder.string(), error.message()));
        return bench_.run(write_on_and_on());
    }

 private:
    Result<ExampleExport> next() {
        for (;;) {
            ++number_;
            ExampleExport made;
            if (options_.sample.empty()) {
                auto example = example_export(options_.format, options_.seed, number_);
                if (!example) return fail(example.error());
                made = std::move(*example);
            } else {
                auto text = whole_file(options_.sample, read_bytes_max);
                if (!text) return fail(text.error());
                made = {fmt::format("{}-{:04}{}", options_.sample.stem().string(), number_, options_.sample.extension().string()),
                        std::move(*text)};
            }
            if (!fs::exists(fs::symlink_status(options_.folder / made.name))) return made;
        }
    }

    Task<Result<void>> write_on_and_on() {
        for (std::uint64_t n = 0; options_.files == 0 || n < options_.files; ++n) {
            auto const begun = bench_.clock().now();
            if (faults_.silent_after == 0 || n < faults_.silent_after) {
                auto made = next();
                if (!made) co_return fail(made.error());
                bool const cut = options_.variant == SimulatedVariant::damaged && random_.one_in(2);
                if (cut) made->bytes.resize(made->bytes.size() * 2 / 3);
                auto const written = co_await grow(*made);
                if (!written) co_return written;
                if (cut) std::cout << made->name << " stays without its end." << std::endl;
                if (random_.one_in(faults_.repeat_every)) {
                    made->name = "again-" + made->name;
                    auto const again = co_await grow(*made);
                    if (!again) co_return again;
                }
            }
            if (n + 1 != options_.files) co_await bench_.clock().sleep_until(begun + options_.period);
        }
        co_return Result<void>{};
    }

    Task<Result<void>> grow(ExampleExport const& made) {
        fs::path const file = options_.folder / made.name;
        auto const writing = options_.variant == SimulatedVariant::slow ? options_.writing * slower : options_.writing;
        std::ofstream out{file, std::ios::binary | std::ios::app};
        std::size_t const step = made.bytes.size() / growth_steps + 1;
        for (std::size_t at = 0; at < made.bytes.size(); at += step) {
            if (at > 0) co_await bench_.clock().sleep_for(writing / growth_steps);
            out << std::string_view{made.bytes}.substr(at, step) << std::flush;
            if (!out) co_return fail(Fault::unavailable, fmt::format("{} could not be written.", file.string()));
        }
        std::cout << made.name << " was written." << std::endl;
        co_return Result<void>{};
    }

    SimulateFolderOptions const& options_;
    LineFaults faults_;
    SimulatedLine random_;
    std::uint64_t number_ = 0;
    SimulatorBench bench_;
};
}  // namespace

Result<void> run_simulate_folder(SimulateFolderOptions const& options) {
    if ((options.format == "sample") == options.sample.empty())
        return fail(Fault::usage, "The format \"sample\" and --sample go together: the file that is written again and again.");
    ExportBench bench{options};
    return bench.run();
}

}  // namespace marrowlink
