#include "central/original.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "drivers/biorad/parse.hpp"
#include "drivers/biotek/parse.hpp"
#include "drivers/catalog.hpp"
#include "drivers/hl7/parse.hpp"
#include "drivers/spectramax/parse.hpp"

namespace marrowlink::central {
namespace {
using Readings = Result<std::vector<Reading>>;

Readings of(Result<Document> document) { return document ? Readings{std::move(document->readings)} : fail(document.error()); }

// What comes over a wire and can be read without its driver.
struct Transcript {
    std::string_view format;
    Readings (*readings)(std::string_view bytes);
};
constexpr std::array transcripts{
    Transcript{"astm", [](std::string_view) { return Readings{}; }},  // kept as it came: the driver makes no readings of it
    Transcript{"biorad", [](std::string_view bytes) { return of(biorad::parse(bytes)); }},
    Transcript{"biotek", [](std::string_view bytes) { return of(biotek::parse(bytes)); }},
    Transcript{"hl7",
               [](std::string_view bytes) {
                   // What a message does not say of its characters, its driver was told; no text in Latin-1 is UTF-8 by chance.
                   auto const read = of(hl7::parse(bytes, TextEncoding::utf_8));
                   return read ? read : of(hl7::parse(bytes, TextEncoding::latin_1));
               }},
    Transcript{"spectramax",
               [](std::string_view bytes) {
                   auto transfer = spectramax::parse_transfer_reply(bytes);
                   return transfer ? Readings{std::move(transfer->readings)} : fail(transfer.error());
               }},
};

Readings readings_of(Original const& original) {
    RunFile const& file = original.file;
    if (file.role == "export") {
        for (ExportFormat const& format : export_formats())
            if (format.name == file.format) return of(format.parse(original.bytes));
    } else {
        for (Transcript const& transcript : transcripts)
            if (transcript.format == file.format) return transcript.readings(original.bytes);
    }
    return fail(Fault::refused,
                fmt::format("The {} of format \"{}\" cannot be read without the instrument's own settings.", file.role, file.format));
}
}  // namespace

Result<std::vector<Reading>> readings_in(std::vector<Original> const& originals) {
    std::vector<Reading> out;
    for (Original const& original : originals) {
        auto readings = readings_of(original);
        if (!readings) return readings;
        std::move(readings->begin(), readings->end(), std::back_inserter(out));
    }
    return out;
}

}  // namespace marrowlink::central
