#include "gateway/read.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iostream>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "core/json.hpp"
#include "core/sha256.hpp"
#include "core/text.hpp"
#include "drivers/allotrope.hpp"
#include "drivers/catalog.hpp"
#include "io/progress.hpp"

namespace marrowlink {

namespace {

json::value number(double value) {
    if (!std::isfinite(value)) return nullptr;
    // Counts read as counts: 1023, not 1.023E3.
    if (value == std::floor(value) && std::fabs(value) < 9e15) return static_cast<std::int64_t>(value);
    return value;
}

json::array numbers(std::vector<double> const& values) {
    json::array result;
    for (double const value : values) result.emplace_back(number(value));
    return result;
}

json::array events(std::vector<std::vector<double>> const& rows) {
    json::array result;
    for (auto const& row : rows) result.emplace_back(numbers(row));
    return result;
}

json::object dataset(CytometryDataset const& set) {
    json::array parameters;
    for (CytometryParameter const& parameter : set.parameters) {
        json::object one;
        one["n"] = parameter.n;
        if (!parameter.s.empty()) one["s"] = parameter.s;
        one["bits"] = std::to_string(parameter.bits);  // $PnB and $PnR are text in the file
        one["range"] = parameter.range;
        parameters.emplace_back(std::move(one));
    }
    json::object result;
    result["version"] = set.version;
    result["events"] = set.events;
    result["parameters"] = std::move(parameters);
    result["first"] = events(set.first);
    result["last"] = events(set.last);
    result["sum"] = numbers(set.sum);
    result["min"] = numbers(set.min);
    result["max"] = numbers(set.max);
    return result;
}

std::string name_of(std::filesystem::path const& file) { return file == "-" ? "(standard input)" : file.string(); }

class Printer {
 public:
    Printer(ReadOptions options, std::ostream& out, std::ostream& err)
        : options_{options}, out_{out}, err_{err}, readings_{options.format, out} {}

    void progress_at(std::size_t done, std::size_t total) {
        if (options_.progress) progress_.at(done, total);
    }
    // For sentences, which do not stand on the bar's line.
    std::ostream& told() {
        progress_.end();
        return err_;
    }

    Result<void> print(std::filesystem::path const& file) {
        auto const bytes = contents(file);
        if (!bytes) return fail(bytes.error());
        auto const format = recognise(*bytes);
        if (!format) return fail(format.error());
        std::string const name = name_of(file);
        told() << name << ": " << (*format)->title << " (" << (*format)->name << ")\n";
        if (options_.events) return print_events(**format, *bytes);

        auto document = (*format)->parse(*bytes);
        if (!document && (*format)->present) {
            auto const present = (*format)->present(*bytes);
            if (present && options_.format != ReadFormat::allotrope) (void)print_document(name, *present);
        }
        if (!document) return fail(document.error());
        for (auto const& note : document->notes) told() << name << ": note: " << note << "\n";
        if (options_.format == ReadFormat::allotrope) return print_allotrope(*document, **format, *bytes);
        return print_document(name, *document);
    }

 private:
    static Result<std::string> contents(std::filesystem::path const& file) {
        if (file == "-") return whole(std::cin, {});
        std::error_code error;
        std::ifstream in{file, std::ios::binary};
        if (!in) return fail(Fault::unavailable, "It cannot be opened; check the name and the right to read it.");
        auto const size = std::filesystem::file_size(file, error);
        if (!error && size > read_bytes_max)
            return fail(Fault::refused, fmt::format("It has {} bytes; at most {} are read.", size, read_bytes_max));
        return whole(in, error ? 0 : size);
    }
    static Result<std::string> whole(std::istream& in, std::uint64_t expected) {
        std::string bytes;
        bytes.reserve(expected);
        std::array<char, 65536> block;
        while (in.read(block.data(), block.size()), in.gcount() > 0) {
            bytes.append(block.data(), static_cast<std::size_t>(in.gcount()));
            if (bytes.size() > read_bytes_max)
                return fail(Fault::refused, fmt::format("It has more than {} bytes, the most that are read.", read_bytes_max));
        }
        if (in.bad()) return fail(Fault::unavailable, fmt::format("Reading stopped after {} bytes.", bytes.size()));
        return bytes;
    }

    Result<void> print_events(ExportFormat const& format, std::string_view bytes) {
        if (!format.events) return fail(Fault::usage, "It holds readings of a plate, not events; leave out --events.");
        // The parser refuses before its first line, so an empty line is due only when a line follows.
        struct Sink {
            Printer* printer;
            bool started;
        } sink{this, false};
        return format.events(
            bytes,
            [](void* to, std::string_view line) {
                auto& into = *static_cast<Sink*>(to);
                if (!std::exchange(into.started, true) && std::exchange(into.printer->events_printed_, true)) into.printer->out_ << '\n';
                into.printer->out_ << line << '\n';
            },
            &sink);
    }

    Result<void> print_allotrope(Document const& document, ExportFormat const& format, std::string_view bytes) {
        auto const model = allotrope_of(document, {hex(sha256(bytes)), format.title, options_.measured});
        if (!model) return fail(model.error());
        out_ << json::serialize(*model) << '\n';
        return {};
    }

    Result<void> print_document(std::string const& name, Document const& document) {
        if (document.datasets.empty()) {
            readings_.print(name, document.readings);
            return {};
        }
        if (options_.format == ReadFormat::csv)
            return fail(
                Fault::usage,
                "It holds cytometry events, not readings of a plate; use --format json for their summary or --events for all of them.");
        json::object object;
        object["file"] = utf8_of(name);
        object["format"] = document.format;
        json::array datasets;
        for (auto const& set : document.datasets) datasets.emplace_back(dataset(set));
        object["datasets"] = std::move(datasets);
        out_ << json::serialize(object) << '\n';
        return {};
    }

    ReadOptions options_;
    std::ostream& out_;
    std::ostream& err_;
    ReadingPrinter readings_;
    Progress progress_{"reading"};
    bool events_printed_ = false;
};

// Of several failures the one that says most about the data.
Fault worse(Fault a, Fault b) {
    for (Fault const fault : {Fault::refused, Fault::usage})
        if (a == fault || b == fault) return fault;
    return a;
}

// All that is in the folders, by name, beside the files.
Result<std::vector<std::filesystem::path>> within(std::vector<std::filesystem::path> const& given) {
    std::vector<std::filesystem::path> files;
    for (auto const& path : given) {
        std::error_code error;
        if (!std::filesystem::is_directory(path, error)) {
            files.push_back(path);
            continue;
        }
        std::size_t const before = files.size();
        auto const end = std::filesystem::recursive_directory_iterator{};
        for (std::filesystem::recursive_directory_iterator entry{path, error}; !error && entry != end; entry.increment(error)) {
            std::error_code gone;
            if (entry->is_regular_file(gone)) files.push_back(entry->path());
        }
        if (error) return fail(Fault::unavailable, fmt::format("{}: the folder cannot be read: {}.", path.string(), error.message()));
        if (files.size() == before) return fail(Fault::unavailable, fmt::format("{}: there is no file in this folder.", path.string()));
        std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
    }
    return files;
}

}  // namespace

Result<void> read_files(std::vector<std::filesystem::path> const& given, ReadOptions options, std::ostream& out, std::ostream& err) {
    auto const files = within(given);
    if (!files) return fail(files.error());
    Printer printer{options, out, err};
    std::size_t failed = 0;
    Fault fault = Fault::unavailable;
    for (std::size_t n = 0; n < files->size(); ++n) {
        auto const& file = (*files)[n];
        printer.progress_at(n, files->size());
        auto const printed = printer.print(file);
        if (printed) continue;
        printer.told() << name_of(file) << ": " << printed.error().message << "\n";
        fault = failed++ == 0 ? printed.error().fault : worse(fault, printed.error().fault);
    }
    printer.told();
    out.flush();
    if (!out) return fail(Fault::unavailable, "The output could not be written.");
    if (failed > 0) return fail(fault, fmt::format("{} of {} files could not be read; the reasons are above.", failed, files->size()));
    return {};
}

}  // namespace marrowlink
