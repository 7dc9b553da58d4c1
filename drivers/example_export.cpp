#include "drivers/example_export.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "core/embedded.hpp"
#include "drivers/simulated_line.hpp"

namespace marrowlink {

std::span<EmbeddedFile const> export_examples();

namespace {
constexpr std::string_view suffix = ".example";
constexpr std::string_view fcs_name = "fcs";
constexpr std::uint64_t fcs_events = 1'000;

class Writer {
 public:
    Writer(std::uint64_t seed, std::uint64_t number) : random_({}, seed * 1'000'003 + number), number_(number) {}

    // "{od 12 comma}": twelve optical densities; "{counts 1 tab}"; "{plate}", "{number}", "{minute}", "{second}", "{signature}".
    std::string fill(std::string_view from) {
        std::string out;
        for (std::size_t open; (open = from.find('{')) != std::string_view::npos;) {
            std::size_t const close = from.find('}', open);
            out += from.substr(0, open);
            out += word(from.substr(open + 1, close - open - 1));
            from.remove_prefix(close + 1);
        }
        return out += from;
    }

    std::string fcs() {
        std::string data;
        for (std::uint64_t n = 0; n < fcs_events * 2; ++n) {
            auto const bits = std::bit_cast<std::uint32_t>(static_cast<float>(random_.random() % 26'214'400) / 100);
            for (int shift = 0; shift < 32; shift += 8) data += static_cast<char>(bits >> shift);
        }
        // The offsets stand in the text whose length they depend on: as many places as they will ever need.
        constexpr std::size_t header = 58;
        auto const text_of = [&](std::size_t begin, std::size_t end) {
            std::string text = fmt::format(
                "/$BEGINANALYSIS/0/$ENDANALYSIS/0/$BEGINSTEXT/0/$ENDSTEXT/0/$BEGINDATA/{:08}/$ENDDATA/{:08}/$BYTEORD/1,2,3,4/$DATATYPE/F/"
                "$MODE/L/$NEXTDATA/0/$PAR/2/$TOT/{}/$CYT/Simulated/$FIL/{}/$DATE/04-MAR-2026/$BTIM/09:{}:{}/",
                begin, end, fcs_events, word("plate"), word("minute"), word("second"));
            for (int n = 1; n <= 2; ++n)
                text += fmt::format("$P{0}N/{1}/$P{0}B/32/$P{0}E/0,0/$P{0}R/262144/", n, n == 1 ? "FSC-A" : "SSC-A");
            return text;
        };
        std::size_t const begin = header + text_of(0, 0).size();
        std::size_t const end = begin + data.size() - 1;
        return fmt::format("FCS3.0    {:8}{:8}{:8}{:8}{:8}{:8}", header, begin - 1, begin, end, 0, 0) + text_of(begin, end) + data;
    }

 private:
    std::string word(std::string_view what) {
        if (what == "plate") return fmt::format("SIM-{:04}", number_);
        if (what == "number") return std::to_string(number_);
        if (what == "minute") return fmt::format("{:02}", number_ / 60 % 60);
        if (what == "second") return fmt::format("{:02}", number_ % 60);
        if (what == "signature") return fmt::format("{:08x}", random_.random() & 0xFFFF'FFFF);
        auto const first = what.find(' ');
        auto const second = what.rfind(' ');
        int count = 0;
        std::from_chars(what.data() + first + 1, what.data() + second, count);
        std::string_view const between = what.substr(second + 1) == "tab" ? "\t" : ",";
        std::string out;
        for (int n = 0; n < count; ++n) {
            if (n > 0) out += between;
            out += what.starts_with("od ") ? fmt::format("{}.{:03}", random_.random() % 3, random_.random() % 1'000)
                                           : std::to_string(random_.random() % 60'000);
        }
        return out;
    }

    SimulatedLine random_;
    std::uint64_t number_;
};

std::string_view format_of(EmbeddedFile const& file) { return file.name.substr(0, file.name.size() - suffix.size()); }
}  // namespace

std::vector<std::string> const& example_formats() {
    static std::vector<std::string> const names = [] {
        std::vector<std::string> out{std::string{fcs_name}};
        for (EmbeddedFile const& file : export_examples()) out.emplace_back(format_of(file));
        std::sort(out.begin(), out.end());
        return out;
    }();
    return names;
}

Result<ExampleExport> example_export(std::string_view format, std::uint64_t seed, std::uint64_t number) {
    Writer writer{seed, number};
    if (format == fcs_name) return ExampleExport{fmt::format("fcs-{:04}.fcs", number), writer.fcs()};
    for (EmbeddedFile const& file : export_examples()) {
        if (format_of(file) != format) continue;
        bool const tabs = file.bytes.find('\t') != std::string_view::npos;
        return ExampleExport{fmt::format("{}-{:04}.{}", format, number, tabs ? "txt" : "csv"), writer.fill(file.bytes)};
    }
    return fail(Fault::usage,
                fmt::format("No file of \"{}\" can be written; of these formats one can: {}.", format, fmt::join(example_formats(), ", ")));
}

}  // namespace marrowlink
