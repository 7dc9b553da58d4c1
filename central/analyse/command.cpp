#include "central/analyse/command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "central/analyse/analysis.hpp"
#include "io/progress.hpp"
#include "io/whole_file.hpp"

namespace marrowlink::analyse {
namespace {
namespace fs = std::filesystem;

Result<Request::Input> read(fs::path const& path) {
    auto bytes = whole_file(path, analysis::table_bytes_max);
    if (!bytes) return fail(bytes.error());
    return Request::Input{path.string(), path.stem().string(), std::move(*bytes)};
}

}  // namespace

Result<void> run(Command const& command) {
    auto const known = analyses();
    auto const what = std::find_if(known.begin(), known.end(), [&](Analysis const& one) { return one.name == command.what; });
    if (what == known.end()) {
        std::string names;
        for (Analysis const& one : known) names += fmt::format("{}{}", names.empty() ? "" : ", ", one.name);
        return fail(Fault::usage, fmt::format("\"{}\" is no analysis; there are: {}.", command.what, names));
    }
    Request request;
    request.compat = command.compat;
    request.models = command.models;
    request.draws = command.draws;
    for (fs::path const& path : command.in) {
        std::vector<fs::path> files{path};
        if (fs::is_directory(path)) {
            files.clear();
            for (auto const& entry : fs::directory_iterator(path))
                if (entry.is_regular_file() && entry.path().extension() == (command.what == "nist" ? ".dat" : ".csv"))
                    files.push_back(entry.path());
            std::sort(files.begin(), files.end());
            if (files.empty())
                return fail(Fault::refused,
                            fmt::format("{} holds no {} files.", path.string(), command.what == "nist" ? "*.dat" : "*.csv"));
        }
        for (fs::path const& file : files) {
            auto input = read(file);
            if (!input) return fail(input.error());
            request.inputs.push_back(std::move(*input));
        }
    }
    if (!command.controls.empty()) {
        auto controls = read(command.controls);
        if (!controls) return fail(controls.error());
        request.controls = std::move(*controls);
    }
    Progress progress(std::string{what->name});
    request.progress = [&](std::size_t done, std::size_t total) { progress.at(done, total); };
    auto const outputs = what->run(request);
    progress.end();
    if (!outputs) return fail(outputs.error());
    for (Output const& output : *outputs) {
        if (command.out.empty()) {
            if (output.suffix.empty()) std::cout << output.table.csv() << std::flush;
            continue;
        }
        fs::path path = command.out;
        if (!output.suffix.empty()) path.replace_filename(path.stem().string() + "-" + output.suffix + path.extension().string());
        if (auto const done = write_whole_file(path, output.table.csv()); !done) return done;
        std::cerr << path.string() << ": " << output.table.rows() << " rows\n";
    }
    return {};
}

}  // namespace marrowlink::analyse
