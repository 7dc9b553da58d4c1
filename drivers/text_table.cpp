#include "drivers/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/text.hpp"

namespace marrowlink {

namespace {

// Bytes at the end that begin a UTF-8 character and do not finish it.
std::size_t unfinished(std::string_view text) {
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
        auto const byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xC0) == 0x80) continue;
        std::size_t const length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return length > back ? back : 0;
    }
    return 0;
}

void append_utf8(std::string& out, std::uint32_t code) {
    auto const put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

tl::unexpected<Error> cut_character() {
    return fail(Fault::unavailable, "The text ends in the middle of a character: the rest is not written yet.");
}

tl::unexpected<Error> only_nul(std::size_t from) {
    return fail(Fault::unavailable, fmt::format("Only NUL bytes follow after byte {}: the rest is not written yet.", from));
}

// A NUL is never text. When nothing else follows, the writer has reserved the space and not filled it.
std::optional<Error> nul_inside(std::string_view bytes) {
    std::size_t const nul = bytes.find('\0');
    if (nul == std::string_view::npos) return std::nullopt;
    if (bytes.find_first_not_of('\0', nul) == std::string_view::npos) return only_nul(nul).value();
    return Error{Fault::refused, fmt::format("Byte {} is NUL: this is not text.", nul)};
}

Result<std::string> from_utf16(std::string_view bytes, bool little) {
    std::string out;
    out.reserve(bytes.size());
    auto const unit = [&](std::size_t i) {
        auto const a = static_cast<unsigned char>(bytes[i]), b = static_cast<unsigned char>(bytes[i + 1]);
        return static_cast<std::uint32_t>(little ? a | b << 8 : a << 8 | b);
    };
    for (std::size_t i = 2; i < bytes.size(); i += 2) {
        if (i + 2 > bytes.size()) return cut_character();
        std::uint32_t code = unit(i);
        if (code == 0) {
            if (bytes.find_first_not_of('\0', i) == std::string_view::npos) return only_nul(i);
            return fail(Fault::refused, fmt::format("The character at byte {} is NUL: this is not text.", i));
        }
        if (code >= 0xD800 && code < 0xE000) {
            if (i + 4 > bytes.size()) return cut_character();
            std::uint32_t const low = unit(i + 2);
            if (code >= 0xDC00 || low < 0xDC00 || low > 0xDFFF)
                return fail(Fault::refused, fmt::format("Half a UTF-16 character stands at byte {}.", i));
            code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
            i += 2;
        }
        append_utf8(out, code);
    }
    return out;
}

}  // namespace

std::string_view name_of(Encoding encoding) {
    switch (encoding) {
        case Encoding::utf8: return "UTF-8";
        case Encoding::cp1252: return "CP1252";
        case Encoding::utf16le: return "UTF-16LE";
        case Encoding::utf16be: return "UTF-16BE";
    }
    return "UTF-8";
}

Result<TextTable> TextTable::decode(std::string_view bytes) {
    if (bytes.size() > text_bytes_max)
        return fail(Fault::refused, fmt::format("The file has {} bytes; at most {} are read as text.", bytes.size(), text_bytes_max));
    TextTable table;
    std::size_t first = 0;
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
        first = 2;
        table.encoding_ = bytes[0] == '\xFF' ? Encoding::utf16le : Encoding::utf16be;
        auto decoded = from_utf16(bytes, table.encoding_ == Encoding::utf16le);
        if (!decoded) return fail(std::move(decoded.error()));
        table.decoded_ = std::make_unique<std::string>(std::move(*decoded));
    } else {
        if (auto nul = nul_inside(bytes)) return fail(std::move(*nul));
        first = bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0;
        std::size_t const cut = unfinished(bytes);
        if (!is_utf8(bytes.substr(0, bytes.size() - cut))) {
            table.encoding_ = Encoding::cp1252;
            first = 0;
            auto decoded = to_utf8(bytes, TextEncoding::cp1252);
            if (!decoded) return fail(Fault::refused, "The text is not UTF-8, and not CP1252 either: " + decoded.error().message);
            table.decoded_ = std::make_unique<std::string>(std::move(*decoded));
        } else if (cut != 0) {
            return cut_character();
        }
    }
    if (auto split = table.split(table.decoded_ ? std::string_view{*table.decoded_} : bytes.substr(first), first); !split)
        return fail(std::move(split.error()));
    if (table.decoded_) table.find_in_original(bytes, first);
    return table;
}

Result<void> TextTable::split(std::string_view text, std::uint64_t first) {
    for (std::size_t at = 0; at < text.size();) {
        if (lines_.size() == text_lines_max)
            return fail(Fault::refused, fmt::format("The text has more than {} lines, which is the limit.", text_lines_max));
        std::size_t const feed = text.find('\n', at);
        bool const terminated = feed != std::string_view::npos;
        std::string_view line = text.substr(at, (terminated ? feed : text.size()) - at);
        if (line.ends_with('\r')) line.remove_suffix(1);
        lines_.push_back({line, first + at, line.size(), terminated});
        if (!terminated) break;
        at = feed + 1;
    }
    return {};
}

// Decoding keeps the number of lines; only their places differ.
void TextTable::find_in_original(std::string_view bytes, std::uint64_t first) {
    std::size_t const width = bytes_per_ascii(), low = encoding_ == Encoding::utf16be ? 1 : 0;
    auto const is = [&](std::size_t at, char c) { return bytes[at + low] == c && (width == 1 || bytes[at + 1 - low] == 0); };
    std::size_t at = first;
    for (auto& line : lines_) {
        std::size_t end = at;
        while (end < bytes.size() && !is(end, '\n')) end += width;
        bool const carriage_return = end > at && is(end - width, '\r');
        line.offset = at;
        line.length = end - at - (carriage_return ? width : 0);
        at = end + width;
    }
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\r')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

TextTable head_of(std::string_view bytes, std::size_t bytes_max) {
    bool const wide = bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
    std::string_view head = bytes.substr(0, bytes_max);
    // Not inside a character.
    if (wide)
        head = head.substr(0, head.size() & ~std::size_t{3});
    else if (head.size() < bytes.size())
        head = head.substr(0, head.rfind('\n') + 1);
    auto table = TextTable::decode(head);
    return table ? *std::move(table) : TextTable{};
}

Result<void> split_cells(std::string_view line, std::vector<std::string_view>& cells, char separator) {
    cells.clear();
    for (;;) {
        if (cells.size() == text_cells_max)
            return fail(Fault::refused, fmt::format("A line has more than {} cells, which is the limit.", text_cells_max));
        std::size_t const tab = line.find(separator);
        cells.push_back(trimmed(line.substr(0, tab)));
        if (tab == std::string_view::npos) return {};
        line.remove_prefix(tab + 1);
    }
}

bool read_quoted(std::string_view line, char separator, std::size_t& at, std::string& cell) {
    cell.clear();
    if (at < line.size() && line[at] == '"') {
        for (++at;; ++at) {
            if (at == line.size()) return false;
            if (line[at] != '"') {
                cell += line[at];
            } else if (at + 1 < line.size() && line[at + 1] == '"') {
                cell += line[++at];
            } else {
                break;
            }
        }
        ++at;
    }
    std::size_t const end = std::min(line.find(separator, at), line.size());
    cell += line.substr(at, end - at);
    cell = trimmed(cell);
    at = end;
    return true;
}

Result<void> split_quoted(std::string_view line, char separator, std::vector<std::string>& cells) {
    cells.clear();
    for (std::size_t at = 0;; ++at) {
        if (cells.size() == text_cells_max)
            return fail(Fault::refused, fmt::format("A line has more than {} cells, which is the limit.", text_cells_max));
        if (!read_quoted(line, separator, at, cells.emplace_back()))
            return fail(Fault::refused, fmt::format("A quotation mark has no other one: {}.", in_quotes(line)));
        if (at == line.size()) return {};
    }
}

std::uint64_t TextTable::bytes_of(std::string_view text) const {
    if (encoding_ == Encoding::utf8) return text.size();
    std::uint64_t bytes = 0;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0) == 0x80) continue;
        bytes += byte >= 0xF0 ? 2 * bytes_per_ascii() : bytes_per_ascii();
    }
    return bytes;
}

std::pair<std::uint64_t, std::uint64_t> TextTable::place_of(TextLine const& line, std::string_view part) const {
    auto const before = static_cast<std::size_t>(part.data() - line.text.data());
    return {line.offset + bytes_of({line.text.data(), before}), bytes_of(part)};
}

std::string in_quotes(std::string_view text) {
    std::size_t end = 0, characters = 0;
    while (end < text.size() && characters < 40) {
        ++end;
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
        ++characters;
    }
    std::string out = "'";
    for (char c : text.substr(0, end)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '.' : c;
    if (end < text.size()) out += "…";
    return out + "'";
}

}  // namespace marrowlink
