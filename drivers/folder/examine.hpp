// What one settled export file is, and which of its bytes may leave the site. Pure: bytes in, values out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "drivers/blanking.hpp"
#include "drivers/document.hpp"

namespace marrowlink {

using Recognise = Result<ExportFormat const*> (*)(std::string_view bytes);  // `unavailable`: the end is missing, so it is not told yet

enum class Verdict : std::uint8_t {
    unknown,     // no format recognises it: could be anything, so nothing of it is sent
    incomplete,  // its end is missing
    unreadable,  // whole, of a known format, and its parser refuses it: the bytes are kept
    readable,
};

struct Examination {
    Verdict verdict = Verdict::unknown;
    std::string reason;                 // a sentence for people at the site; may quote the file, so it never leaves
    std::string format;                 // catalogue name; empty when unknown
    Document document;                  // when readable; without name_bearing
    std::string copy;                   // what leaves the site, as long as the original; when readable or unreadable
    std::string copy_sha256;            // hex
    std::vector<BlankedPiece> blanked;  // in order, no overlap: copy + blanked = the original
    std::uint64_t blanked_bytes = 0;
};

// `original_sha256` saves a second hash where nothing is blanked.
Examination examine(std::string bytes, std::string_view original_sha256, Recognise recognise);

// A parser's sentence without what it quotes from the file, in "double" or 'single' quotation marks: $OP is "…"; a number was expected.
std::string without_quotations(std::string_view sentence);

}  // namespace marrowlink
