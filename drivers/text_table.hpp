// Text that vendor software exports: tab-separated lines in an encoding that nobody states. Decoded once to UTF-8, each line with its place
// in the original bytes.
//
// Encoding: a byte order mark decides (UTF-8, UTF-16LE, UTF-16BE); without one, valid UTF-8 is UTF-8, anything else is CP1252.
// Refused: a byte that CP1252 does not define, a NUL, a lone surrogate. `unavailable`: the text ends inside a character, or only NULs
// follow (a file share may reserve the full size before the content comes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace marrowlink {

constexpr std::size_t text_bytes_max = 64u << 20;  // one more: refused
constexpr std::size_t text_lines_max = 500'000;    // one more: refused
constexpr std::size_t text_cells_max = 4'096;      // of one line; one more: refused

enum class Encoding : std::uint8_t { utf8, cp1252, utf16le, utf16be };
std::string_view name_of(Encoding encoding);

struct TextLine {
    std::string_view text;     // UTF-8, without the line's end
    std::uint64_t offset = 0;  // of its first byte in the original
    std::uint64_t length = 0;  // in bytes of the original, without the line's end
    bool terminated = false;   // an LF follows
};

class TextTable {
 public:
    // UTF-8 lines point into `bytes`, which must outlive the table.
    static Result<TextTable> decode(std::string_view bytes);

    std::span<TextLine const> lines() const { return lines_; }
    Encoding encoding() const { return encoding_; }
    // Where a part of a line, or of it and the lines behind, stands in the original: {first byte, bytes}.
    std::pair<std::uint64_t, std::uint64_t> place_of(TextLine const& line, std::string_view part) const;
    std::size_t bytes_per_ascii() const { return encoding_ == Encoding::utf16le || encoding_ == Encoding::utf16be ? 2 : 1; }

 private:
    Result<void> split(std::string_view text, std::uint64_t first);
    std::uint64_t bytes_of(std::string_view text) const;  // in the original
    void find_in_original(std::string_view bytes, std::uint64_t first);

    std::unique_ptr<std::string> decoded_;  // null for UTF-8; on the heap, so that lines stay where they are when the table moves
    std::vector<TextLine> lines_;
    Encoding encoding_ = Encoding::utf8;
};

// The whole lines among the first bytes, at most `bytes_max`, for telling formats apart; without any when they are no text.
TextTable head_of(std::string_view bytes, std::size_t bytes_max);

// The cells of a line, spaces around each removed; more than text_cells_max is refused.
Result<void> split_cells(std::string_view line, std::vector<std::string_view>& cells, char separator = '\t');

// A cell that may stand in quotation marks, doubled inside (RFC 4180), from `at` on, which is its separator or the line's end afterwards.
// Spaces around it are removed. False: a quotation does not end.
bool read_quoted(std::string_view line, char separator, std::size_t& at, std::string& cell);

// All cells of such a line. Refused: a quotation that does not end.
Result<void> split_quoted(std::string_view line, char separator, std::vector<std::string>& cells);

std::string_view trimmed(std::string_view text);

// For messages: in quotation marks, at most 40 characters, control characters shown as '.'.
std::string in_quotes(std::string_view text);

}  // namespace marrowlink
