#include "drivers/fcs/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/text.hpp"

namespace marrowlink::fcs {

namespace {

constexpr std::string_view blanks{" \t\r\n\0", 5};

std::string upper(std::string_view text) {
    std::string result{text};
    for (char& c : result)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return result;
}

std::string single_delimiters(std::string_view raw, char delimiter) {
    std::string value;
    value.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        value.push_back(raw[i]);
        if (raw[i] == delimiter && i + 1 < raw.size() && raw[i + 1] == delimiter) ++i;
    }
    return value;
}

// Where the value that starts at `from` ends, and where the next name starts. `from` is behind the delimiter that closed the name.
struct ValueEnd {
    std::size_t end = 0, next = 0;
};

ValueEnd value_end(std::string_view segment, std::size_t from, char delimiter) {
    auto const run_at = [&](std::size_t at) {
        std::size_t run = 0;
        while (at + run < segment.size() && segment[at + run] == delimiter) ++run;
        return run;
    };
    std::size_t const leading = run_at(from);
    if (leading % 2 == 1) return {from + leading - 1, from + leading};  // empty, or delimiters alone
    for (std::size_t at = from + leading;;) {
        std::size_t const found = segment.find(delimiter, at);
        if (found == segment.npos) return {segment.size(), segment.size()};  // no closing delimiter: the value is complete all the same
        std::size_t const run = run_at(found);
        if (run % 2 == 1) return {found + run - 1, found + run};
        // TEXT's end may be a byte too far, and that byte may equal the delimiter: it closes the value rather than being part of it.
        if (found + run == segment.size()) return {found + run - 2, segment.size()};
        at = found + run;
    }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    std::size_t const begin = text.find_first_not_of(blanks);
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
    text = trimmed(text);
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number >> 62) return std::nullopt;
    return number;
}

std::string utf8(std::string_view bytes) {
    if (is_utf8(bytes)) return std::string{bytes};
    return to_utf8(bytes, TextEncoding::latin_1).value();  // every byte is Latin-1
}

std::string_view Text::value(std::string_view name) const {
    auto const found = first.find(name);
    return found == first.end() ? std::string_view{} : trimmed(keywords[found->second].value);
}

Result<void> read_keywords(std::string_view file, std::uint64_t begin, std::uint64_t end, std::string_view segment_name, Text& text) {
    std::string_view const segment = file.substr(begin, end - begin);
    char const delimiter = text.delimiter;
    std::size_t at = 0;
    if (!segment.empty() && segment.front() == delimiter)
        at = 1;
    else
        text.notes.push_back(fmt::format("{} does not start with the delimiter", segment_name));

    std::size_t empty_values = 0, repeated = 0;
    while (at < segment.size()) {
        std::size_t const name_end = segment.find(delimiter, at);
        if (name_end == segment.npos) {
            // Padding behind the last value, or TEXT's end one byte too far; more is a name without a value.
            if (trimmed(segment.substr(at)).size() > 1)
                text.notes.push_back(fmt::format("{} ends with a name that has no value", segment_name));
            break;
        }
        if (text.keywords.size() == keywords_max)
            return fail(Fault::refused,
                        fmt::format("{} holds more than {} keywords, the most a data set may have.", segment_name, keywords_max));
        ValueEnd const value = value_end(segment, name_end + 1, delimiter);
        std::string_view const raw = segment.substr(name_end + 1, value.end - name_end - 1);
        Keyword keyword{upper(trimmed(segment.substr(at, name_end - at))), single_delimiters(raw, delimiter), begin + name_end + 1,
                        raw.size()};
        empty_values += raw.empty();
        if (!text.first.emplace(keyword.name, text.keywords.size()).second) ++repeated;
        text.keywords.push_back(std::move(keyword));
        at = value.next;
    }
    if (empty_values > 0)
        text.notes.push_back(fmt::format("{} has {} empty values, which the standard forbids", segment_name, empty_values));
    if (repeated > 0) text.notes.push_back(fmt::format("{} repeats {} keywords; the first of each counts", segment_name, repeated));
    return {};
}

}  // namespace marrowlink::fcs
