#include "drivers/softmax/outline.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace marrowlink::softmax {

namespace {

constexpr std::string_view blocks_key = "##BLOCKS=", name_key = "Original Filename:", saved_key = "; Date Last Saved:";

// Exports saved again by other programs pad every line with tabs.
std::string_view said(TextLine const& line) {
    std::string_view text = line.text;
    while (!text.empty() && (text.back() == '\t' || text.back() == ' ')) text.remove_suffix(1);
    return trimmed(text);
}

std::optional<std::size_t> announced(TextLine const& first) {
    if (!first.text.starts_with(blocks_key)) return {};
    std::string_view const digits = trimmed(said(first).substr(blocks_key.size()));
    std::size_t count = 0;
    auto const [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (bad != std::errc{} || end != digits.data() + digits.size()) return {};
    return count;
}

// Without a line's end only AM or PM says that the time is all there: 17:23:3 may go on.
bool whole(TextLine const& last, std::string_view saved) {
    return last.terminated ? !saved.empty() : saved.ends_with(" AM") || saved.ends_with(" PM");
}

}  // namespace

Result<Outline> outline_of(TextTable const& table) {
    auto const lines = table.lines();
    auto const count = lines.empty() ? std::nullopt : announced(lines[0]);
    if (!count)
        return fail(Fault::refused,
                    fmt::format("Line 1: {} is not \"##BLOCKS=\" with a number.", in_quotes(lines.empty() ? "" : lines[0].text)));
    if (*count == 0 || *count > blocks_max)
        return fail(Fault::refused, fmt::format("Line 1: {} blocks are announced, expected 1 to {}.", *count, blocks_max));
    Outline outline;
    std::size_t ended = 0;
    bool trailer = false;
    auto const unit = table.bytes_per_ascii();
    for (std::size_t i = 1; i < lines.size();) {
        std::string_view const text = said(lines[i]);
        if (text.empty()) {
            ++i;
            continue;
        }
        if (trailer) return fail(Fault::refused, fmt::format("Line {}: {} stands behind the end of the file.", i + 1, in_quotes(text)));
        if (text.starts_with(name_key)) {
            std::size_t const at = text.rfind(saved_key);
            if (at != std::string_view::npos) outline.saved = trimmed(text.substr(at + saved_key.size()));
            trailer = whole(lines[i], outline.saved);
            if (!trailer) break;
            std::uint64_t const behind = static_cast<std::uint64_t>(lines[i].text.size() - lines[i].text.rfind(saved_key)) * unit;
            std::uint64_t const before = name_key.size() * unit;
            if (lines[i].length > before + behind)
                outline.name_bearing.push_back({lines[i].offset + before, lines[i].length - before - behind, "Original Filename"});
            ++i;
            continue;
        }
        bool const plate = text.starts_with("Plate:"), note = text.starts_with("Note:");
        if (!plate && !note && !text.starts_with("Group:")) {
            // The last line may be the beginning of a word.
            if (i + 1 == lines.size() && !lines[i].terminated) break;
            return fail(Fault::refused,
                        fmt::format("Line {}: {} begins no block known here (Plate:, Note:, Group:).", i + 1, in_quotes(text)));
        }
        std::size_t end = i + 1;
        while (end < lines.size() && said(lines[end]) != "~End") ++end;
        if (end == lines.size()) {
            if (plate) outline.open = Block{lines.subspan(i), i + 1};
            break;
        }
        if (ended == *count)
            return fail(Fault::refused, fmt::format("Line {}: a block more than the {} announced in line 1.", i + 1, *count));
        if (plate) outline.plates.push_back({lines.subspan(i, end - i), i + 1});
        if (note)
            for (std::size_t n = i + 1; n < end; ++n)
                if (!said(lines[n]).empty()) outline.name_bearing.push_back({lines[n].offset, lines[n].length, "Note"});
        ++ended;
        i = end + 1;
    }
    if (ended != *count)
        outline.missing = fmt::format("{} of {} blocks have their ~End", ended, *count);
    else if (!trailer)
        outline.missing = "the last line, \"Original Filename: …; Date Last Saved: …\", is not there or not whole";
    return outline;
}

}  // namespace marrowlink::softmax
