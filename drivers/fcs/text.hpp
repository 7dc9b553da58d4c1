// Keywords of one FCS data set: TEXT, supplemental TEXT and ANALYSIS share one grammar. Source: notes.md.
//
// A segment is delimiter, then name and value in turn, each closed by the delimiter; a doubled delimiter inside a value stands for one.
// The standard forbids empty values, yet they occur: two delimiters after a *name* are an empty value here, never a literal, because a
// name that holds the delimiter has not been seen and an empty value has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::fcs {

// Beyond either the file is refused by name. The largest TEXT seen is 8 KiB with 200 keywords.
inline constexpr std::uint64_t text_bytes_max = std::uint64_t{16} << 20;  // one segment
inline constexpr std::size_t keywords_max = 65'536;                       // one data set

struct Keyword {
    std::string name;                      // upper case, trimmed
    std::string value;                     // bytes as in the file, doubled delimiters made single, not trimmed
    std::uint64_t offset = 0, length = 0;  // of the value in the whole file, before doubled delimiters are made single
};

struct Text {
    char delimiter = 0;
    std::vector<Keyword> keywords;                          // in file order
    std::map<std::string, std::size_t, std::less<>> first;  // name → its first keyword
    std::vector<std::string> notes;

    // Trimmed value, empty when the keyword is absent; `name` in upper case.
    std::string_view value(std::string_view name) const;
    bool has(std::string_view name) const { return first.find(name) != first.end(); }
};

// Appends the keywords of bytes [begin, end) of the file; `text.delimiter` is set. `segment` names it in notes and refusals.
Result<void> read_keywords(std::string_view file, std::uint64_t begin, std::uint64_t end, std::string_view segment, Text& text);

std::string_view trimmed(std::string_view text);  // of blanks, tabs, line ends and NUL

// A whole number below 2^62, blanks around it allowed; nothing else is a number.
std::optional<std::uint64_t> whole_number(std::string_view text);

// FCS 3.1 is UTF-8, earlier versions ASCII; software writes Latin-1 all the same. What is not UTF-8 is taken as Latin-1.
std::string utf8(std::string_view bytes);

}  // namespace marrowlink::fcs
