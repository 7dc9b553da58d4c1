// How fast files are parsed, on one core: text exports, FCS of floats beside memcpy and of masked integers, and a folder of exports from
// their names to their readings.
//
// usage: bench_files SECONDS FOLDER FILES
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "drivers/catalog.hpp"
#include "drivers/example_export.hpp"
#include "gateway/read.hpp"
#include "samples.hpp"

using namespace marrowlink;

namespace {
// Calls a second, over at least `span` seconds.
double rate(double span, std::function<void()> const& call) {
    call();
    std::uint64_t calls = 0;
    auto const begun = bench::now();
    double took = 0;
    do {
        call();
        ++calls;
        took = bench::seconds(bench::now() - begun);
    } while (took < span);
    return static_cast<double>(calls) / took;
}

void parse_or_die(ExportFormat const& format, std::string const& bytes) {
    auto const parsed = format.parse(bytes);
    if (parsed) return;
    fmt::print(stderr, "bench_files: {}: {}\n", format.name, parsed.error().message);
    std::exit(70);
}

ExportFormat const& format_of(std::string const& bytes) {
    auto const found = recognise(bytes);
    if (found) return **found;
    fmt::print(stderr, "bench_files: {}\n", found.error().message);
    std::exit(70);
}

// A SoftMax Pro export of many plates: of the example, its plate again and again under other names.
std::string many_plates(std::uint64_t plates) {
    std::string all = fmt::format("##BLOCKS= {}\n", plates);
    std::string last;
    for (std::uint64_t n = 1; n <= plates; ++n) {
        std::string const one = example_export("moldev-softmax-pro", 1, n)->bytes;
        std::size_t const begin = one.find('\n') + 1;
        std::size_t const end = one.find("Original Filename");
        all += one.substr(begin, end - begin);
        last = one.substr(end);
    }
    return all + last;
}

// A data set of 10 parameters; integers use 18 of 32 bits, so that each is masked.
std::string fcs(char type, std::uint64_t events) {
    constexpr int parameters = 10;
    std::string data;
    data.reserve(events * parameters * 4);
    std::uint32_t state = 1;
    for (std::uint64_t n = 0; n < events * parameters; ++n) {
        state = state * 1'664'525 + 1'013'904'223;
        std::uint32_t bits = state;
        float const value = static_cast<float>(state >> 8);
        if (type == 'F') std::memcpy(&bits, &value, sizeof bits);
        for (int shift = 0; shift < 32; shift += 8) data += static_cast<char>(bits >> shift);
    }
    constexpr std::size_t header = 58;
    auto const text_of = [&](std::size_t begin, std::size_t end) {
        std::string text = fmt::format(
            "/$BEGINANALYSIS/0/$ENDANALYSIS/0/$BEGINSTEXT/0/$ENDSTEXT/0/$BEGINDATA/{:012}/$ENDDATA/{:012}/$BYTEORD/1,2,3,4/$DATATYPE/{}/"
            "$MODE/L/$NEXTDATA/0/$PAR/{}/$TOT/{}/",
            begin, end, type, parameters, events);
        for (int n = 1; n <= parameters; ++n) text += fmt::format("$P{0}N/P{0}/$P{0}B/32/$P{0}E/0,0/$P{0}R/262144/", n);
        return text;
    };
    std::size_t const begin = header + text_of(0, 0).size();
    std::size_t const end = begin + data.size() - 1;
    bool const fits = end < 100'000'000;
    return fmt::format("FCS3.0    {:8}{:8}{:8}{:8}{:8}{:8}", header, begin - 1, fits ? begin : 0, fits ? end : 0, 0, 0) +
           text_of(begin, end) + data;
}
}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fmt::print(stderr, "usage: bench_files SECONDS FOLDER FILES\n");
        return 64;
    }
    double const span = std::strtod(argv[1], nullptr);
    std::filesystem::path const folder = argv[2];
    std::uint64_t const files = std::strtoull(argv[3], nullptr, 10);

    std::vector<std::string> formats = example_formats();
    std::erase(formats, "fcs");  // `read` prints of it no readings
    std::vector<std::string> samples{many_plates(1'000)};
    for (std::string const& name : formats) samples.push_back(example_export(name, 1, 1)->bytes);
    for (std::string const& bytes : samples) {
        ExportFormat const& format = format_of(bytes);
        double const per_s = rate(span, [&] { parse_or_die(format, bytes); });
        fmt::print("{{\"what\":\"text\",\"format\":\"{}\",\"bytes\":{},\"files_per_s\":{:.0f},\"mb_per_s\":{:.2f}}}\n", format.name,
                   bytes.size(), per_s, per_s * static_cast<double>(bytes.size()) / 1e6);
    }

    for (char const type : {'F', 'I'}) {
        std::string const bytes = fcs(type, 400'000);
        ExportFormat const& format = format_of(bytes);
        double const parsed = rate(span, [&] { parse_or_die(format, bytes); });
        std::string copy(bytes.size(), '\0');
        double const copied = rate(span, [&] {
            std::memcpy(copy.data(), bytes.data(), bytes.size());
            asm volatile("" : : "r"(copy.data()) : "memory");
        });
        double const mb = static_cast<double>(bytes.size()) / 1e6;
        fmt::print("{{\"what\":\"fcs\",\"type\":\"{}\",\"bytes\":{},\"mb_per_s\":{:.1f},\"memcpy_mb_per_s\":{:.1f}}}\n", type, bytes.size(),
                   parsed * mb, copied * mb);
    }

    std::uint64_t bytes = 0;
    for (std::uint64_t n = 1; n <= files; ++n) {
        auto const made = example_export(formats[n % formats.size()], 1, n);
        std::ofstream{folder / made->name, std::ios::binary} << made->bytes;
        bytes += made->bytes.size();
    }
    std::ostringstream out, err;
    auto const begun = bench::now();
    auto const read = read_files({folder}, {}, out, err);
    double const took = bench::seconds(bench::now() - begun);
    if (!read) {
        fmt::print(stderr, "bench_files: {}\n{}", read.error().message, err.str().substr(0, 2'000));
        return 70;
    }
    std::string const lines = out.str();
    auto const readings = static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')) - 1;
    fmt::print(
        "{{\"what\":\"folder\",\"files\":{},\"bytes\":{},\"readings\":{},\"seconds\":{:.3f},\"files_per_s\":{:.0f},\"mb_per_s\":{:.2f}}}\n",
        files, bytes, readings, took, static_cast<double>(files) / took, static_cast<double>(bytes) / took / 1e6);
    return 0;
}
