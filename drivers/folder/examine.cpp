#include "drivers/folder/examine.hpp"

#include <fmt/format.h>

#include <cctype>
#include <utility>

#include "core/sha256.hpp"

namespace marrowlink {
Examination examine(std::string bytes, std::string_view original_sha256, Recognise recognise) {
    Examination out;
    if (bytes.empty()) {
        out.verdict = Verdict::incomplete;
        out.reason = "The file is empty.";
        return out;
    }
    auto const format = recognise(bytes);
    if (!format) {
        // A network share reserves a file's full size before the first byte is written.
        if (bytes.find_first_not_of('\0') == bytes.npos) {
            out.verdict = Verdict::incomplete;
            out.reason = fmt::format("All {} bytes are zero: the space is reserved and nothing is written yet.", bytes.size());
        } else {
            if (format.error().fault == Fault::unavailable) out.verdict = Verdict::incomplete;
            out.reason = format.error().message;
        }
        return out;
    }
    out.format = (*format)->name;
    Completeness whole = (*format)->completeness(bytes);
    if (!whole.complete) {
        out.verdict = Verdict::incomplete;
        out.reason = std::move(whole.missing);
        return out;
    }
    auto document = (*format)->parse(bytes);
    std::vector<NameBearing> names;
    if (document) {
        out.verdict = Verdict::readable;
        out.document = std::move(*document);
        names = std::exchange(out.document.name_bearing, {});
    } else {
        out.verdict = Verdict::unreadable;
        out.reason = document.error().message;
        names = (*format)->names ? (*format)->names(bytes) : std::vector<NameBearing>{{0, bytes.size(), "the whole file"}};
    }
    BlankedCopy copy = copy_without(std::move(bytes), names);
    out.copy = std::move(copy.bytes);
    out.blanked = std::move(copy.pieces);
    out.blanked_bytes = copy.blanked;
    out.copy_sha256 = out.blanked.empty() ? std::string{original_sha256} : hex(sha256(out.copy));
    return out;
}

std::string without_quotations(std::string_view sentence) {
    auto const is_letter = [&](std::size_t i) { return i < sentence.size() && std::isalpha(static_cast<unsigned char>(sentence[i])); };
    // An apostrophe stands between letters, a quotation mark does not.
    auto const is_mark = [&](std::size_t i) {
        return sentence[i] == '"' || (sentence[i] == '\'' && !(i > 0 && is_letter(i - 1) && is_letter(i + 1)));
    };
    std::size_t first = 0;
    while (first < sentence.size() && !is_mark(first)) ++first;
    if (first == sentence.size()) return std::string{sentence};
    // What is quoted may hold marks itself: from the first to the last of them all goes, so that too much goes and never too little.
    std::size_t last = sentence.size() - 1;
    while (!is_mark(last)) --last;
    return fmt::format("{}\"…\"{}", sentence.substr(0, first), last == first ? std::string_view{} : sentence.substr(last + 1));
}

}  // namespace marrowlink
