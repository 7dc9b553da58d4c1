#include "core/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#define TOML_EXCEPTIONS 0
// toml++ 3.3 asserts that a [header] begins as a key does, and then reports the mistake properly when it does not. No text may abort us.
#define TOML_ASSERT(expression) static_assert(true)
#include <toml++/toml.h>

#include "core/suggest.hpp"
#include "core/version.hpp"

namespace marrowlink::settings {
namespace {

constexpr int syntax_mistakes_max = 20;  // each costs another parse of the text

Position position(toml::source_position at, std::uint32_t file) {
    return {file, std::max<std::uint32_t>(at.line, 1), std::max<std::uint32_t>(at.column, 1)};
}

Value from_node(toml::node const& node, std::uint32_t file) {
    Value out{position(node.source().begin, file), Other{}};
    if (auto const* table = node.as_table()) {
        Table entries;
        for (auto&& [key, value] : *table)
            entries.push_back({std::string(key.str()), position(key.source().begin, file), from_node(value, file)});
        out.is = std::move(entries);
    } else if (auto const* array = node.as_array()) {
        Array items;
        for (auto const& item : *array) items.push_back(from_node(item, file));
        out.is = std::move(items);
    } else if (auto const* text = node.as_string()) {
        out.is = text->get();
    } else if (auto const* integer = node.as_integer()) {
        out.is = integer->get();
    } else if (auto const* number = node.as_floating_point()) {
        out.is = number->get();
    } else if (auto const* truth = node.as_boolean()) {
        out.is = truth->get();
    }
    return out;
}

// The line of `text` that holds line number `number`, as (begin, end) without its line feed; begin == npos when there is none.
std::pair<std::size_t, std::size_t> line_at(std::string const& text, std::uint32_t number) {
    std::size_t begin = 0;
    for (std::uint32_t i = 1; i < number; ++i) {
        begin = text.find('\n', begin);
        if (begin == std::string::npos) return {begin, begin};
        ++begin;
    }
    std::size_t const end = text.find('\n', begin);
    return {begin, end == std::string::npos ? text.size() : end};
}

// Blanks the damaged line so that the next parse can find the next mistake. Below a damaged [header] the lines up to the next header go
// too: read without it they would count as keys of the wrong table. False when there was nothing left to blank.
bool blank_line(std::string& text, std::uint32_t number) {
    auto [begin, end] = line_at(text, number);
    if (begin == std::string::npos) return false;
    bool const header = text.find_first_not_of(" \t", begin) < end && text[text.find_first_not_of(" \t", begin)] == '[';
    bool blanked = false;
    for (;;) {
        for (std::size_t i = begin; i < end; ++i) {
            if (text[i] != ' ' && text[i] != '\r') blanked = true;
            if (text[i] != '\r') text[i] = ' ';
        }
        if (!header || end >= text.size()) return blanked;
        begin = end + 1;
        std::size_t const first = text.find_first_not_of(" \t", begin);
        if (first == std::string::npos || text[first] == '[') return blanked;
        end = std::min(text.find('\n', begin), text.size());
    }
}

// Where the text holds a character beyond ASCII outside strings and comments, which TOML never allows. toml++ 3.3 must not see one: asking
// whether it is white space runs into code that it declares unreachable (for U+00A1 to U+0499, so for every accent, and others). What comes
// before the first mistake of a text is lexed here as toml++ does it; what comes after, toml++ does not reach.
std::optional<std::size_t> foreign_character(std::string_view text) {
    std::size_t i = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;  // a byte order mark is allowed
    while (i < text.size()) {
        char const c = text[i];
        if (static_cast<unsigned char>(c) >= 0x80) return i;
        if (c == '#') {
            i = std::min(text.find('\n', i), text.size());
        } else if (c == '"' || c == '\'') {
            bool const many_lines = text.substr(i, 3) == std::string(3, c);
            std::string_view const end = text.substr(i, many_lines ? 3 : 1);
            i += end.size();
            while (i < text.size() && text.substr(i, end.size()) != end && (many_lines || text[i] != '\n'))
                i += c == '"' && text[i] == '\\' ? 2 : 1;
            i = std::min(i + end.size(), text.size());
            // Up to two more quotation marks belong to the string itself.
            for (int more = 0; many_lines && more < 2 && i < text.size() && text[i] == c; ++more) ++i;
        } else {
            ++i;
        }
    }
    return std::nullopt;
}

// The character at `offset`, for people: "é", or its first byte when it is no UTF-8.
std::string shown_character(std::string_view text, std::size_t offset) {
    auto const lead = static_cast<unsigned char>(text[offset]);
    std::string_view const character = text.substr(offset, lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2);
    auto const continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    bool const whole = offset + character.size() < text.size() && std::all_of(character.begin() + 1, character.end(), continues);
    return whole && lead >= 0xC2 && lead <= 0xF4 ? fmt::format("\"{}\"", character) : fmt::format("byte 0x{:02X}", lead);
}

Position position_of(std::string_view text, std::size_t offset, std::uint32_t file) {
    std::string_view const before = text.substr(0, offset);
    std::string_view const line = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
    auto const letters = std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return {file, static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1), static_cast<std::uint32_t>(letters + 1)};
}

std::string_view kind(Value const& value) {
    constexpr std::string_view names[] = {"text", "a whole number", "a number", "true or false", "a list", "a table", "a date or time"};
    return names[value.is.index()];
}

std::string shown(Value const& value) {
    if (auto const* text = std::get_if<std::string>(&value.is)) return fmt::format("the text \"{}\"", text->substr(0, 80));
    if (auto const* integer = std::get_if<std::int64_t>(&value.is)) return fmt::format("{}", *integer);
    if (auto const* number = std::get_if<double>(&value.is)) return fmt::format("{}", *number);
    if (auto const* truth = std::get_if<bool>(&value.is)) return *truth ? "true" : "false";
    return std::string(kind(value));
}

// NaN, which is in no range, when it is none.
double number_of(Value const& value) {
    if (auto const* integer = std::get_if<std::int64_t>(&value.is)) return static_cast<double>(*integer);
    if (auto const* number = std::get_if<double>(&value.is)) return *number;
    return std::nan("");
}

std::string size_words(std::uint64_t bytes) {
    constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
    return fmt::format("{} {}", bytes, units[unit]);
}

std::string quoted_list(std::vector<std::string_view> const& words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += fmt::format("\"{}\"", words[i]);
    }
    return out;
}

std::string sentence_list(Document const& document, std::vector<std::pair<Position, std::string>> mistakes) {
    std::stable_sort(mistakes.begin(), mistakes.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
    std::string out;
    for (std::size_t i = 0; i < mistakes.size() && i < mistakes_listed_max; ++i)
        out += fmt::format("{}{}: {}", i == 0 ? "" : "\n", document.place(mistakes[i].first), mistakes[i].second);
    if (mistakes.size() > mistakes_listed_max) out += fmt::format("\nand {} more.", mistakes.size() - mistakes_listed_max);
    return out;
}

}  // namespace

Document::Document(std::vector<SourceText> texts) : texts_(std::move(texts)) {
    for (std::uint32_t file = 0; file < texts_.size(); ++file) {
        roots_.emplace_back();
        if (texts_[file].text.size() > text_bytes_max) {
            mistake({file, 1, 1}, fmt::format("the file has {} bytes; at most {} are read.", texts_[file].text.size(), text_bytes_max));
            unreadable_ = true;
            continue;
        }
        std::string text = texts_[file].text;
        for (int found = 0;; ++found) {
            Position at;
            if (auto const foreign = foreign_character(text)) {
                at = position_of(text, *foreign, file);
                mistake(at, fmt::format("this is not valid TOML: {} may stand only inside quotation marks or a comment.",
                                        shown_character(text, *foreign)));
            } else {
                toml::parse_result parsed = toml::parse(text);
                if (parsed) {
                    roots_.back() = std::get<Table>(from_node(parsed.table(), file).is);
                    break;
                }
                at = position(parsed.error().source().begin, file);
                std::string said(parsed.error().description());
                std::replace(said.begin(), said.end(), '\n', ' ');
                mistake(at, fmt::format("this is not valid TOML: {}.", said));
            }
            unreadable_ = true;
            if (found + 1 == syntax_mistakes_max || !blank_line(text, at.line)) break;
        }
    }
}

Section Document::root() {
    std::vector<Table const*> parts;
    for (Table const& root : roots_) parts.push_back(&root);
    return {*this, "", Position{}, std::move(parts)};
}

void Document::mistake(Position at, std::string sentence) { mistakes_.emplace_back(at, std::move(sentence)); }
void Document::warning(Position at, std::string sentence) { warnings_.emplace_back(at, std::move(sentence)); }

std::string Document::place(Position at) const {
    std::string_view const filename = at.file < texts_.size() ? std::string_view(texts_[at.file].filename) : "configuration";
    return fmt::format("{}:{}:{}", filename, at.line, at.column);
}

Result<void> Document::verdict() const {
    if (mistakes_.empty()) return {};
    return fail(Fault::configuration, sentence_list(*this, mistakes_));
}

std::vector<std::string> Document::warnings() const {
    std::vector<std::string> out;
    for (auto const& [at, sentence] : warnings_) out.push_back(fmt::format("{}: {}", place(at), sentence));
    return out;
}

std::string Section::name(std::string_view key) const { return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key); }

Value const* Section::find(std::string_view key) {
    known_.emplace(key);
    Value const* found = nullptr;
    Position first;
    for (Table const* part : parts_) {
        for (Entry const& entry : *part) {
            if (entry.key != key) continue;
            if (!found) {
                found = &entry.value;
                first = entry.at;
            } else {
                document_->mistake(entry.at,
                                   fmt::format("{} is set a second time; it is set at {} already.", name(key), document_->place(first)));
            }
        }
    }
    return found;
}

bool Section::has(std::string_view key) const {
    return std::any_of(parts_.begin(), parts_.end(), [&](Table const* part) {
        return std::any_of(part->begin(), part->end(), [&](Entry const& e) { return e.key == key; });
    });
}

Position Section::where(std::string_view key) const {
    for (Table const* part : parts_)
        for (Entry const& entry : *part)
            if (entry.key == key) return entry.value.at;
    return at_;
}

void Section::mistake(std::string_view key, std::string sentence) { document_->mistake(where(key), std::move(sentence)); }
void Section::warning(std::string_view key, std::string sentence) { document_->warning(where(key), std::move(sentence)); }

void Section::missing(std::string_view key, std::string_view meaning) {
    // A value that is there but wrong has been reported as such.
    if (has(key) || document_->unreadable_) return;
    document_->mistake(at_, fmt::format("{} is missing: {}.", name(key), meaning));
}

void Section::wrong(Value const& value, std::string_view key, std::string_view expected) {
    document_->mistake(value.at, fmt::format("{} is {}; expected {}.", name(key), shown(value), expected));
}

std::optional<std::string> Section::text(std::string_view key, std::size_t bytes_max) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    auto const* text = std::get_if<std::string>(&value->is);
    if (!text || text->empty() || text->size() > bytes_max || text->find('\0') != std::string::npos) {
        wrong(*value, key, fmt::format("a text of 1 to {} bytes in quotation marks", bytes_max));
        return std::nullopt;
    }
    return *text;
}

std::optional<std::string> Section::path(std::string_view key) {
    auto found = text(key);
    if (found && !std::filesystem::path(*found).is_absolute()) {
        mistake(key, fmt::format("{} is \"{}\"; expected a path from the root, such as \"/var/lib/marrowlink\".", name(key), *found));
        return std::nullopt;
    }
    return found;
}

std::optional<std::string> Section::choice(std::string_view key, std::initializer_list<std::string_view> known) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    std::vector<std::string_view> const words(known);
    auto const* text = std::get_if<std::string>(&value->is);
    if (text && std::find(words.begin(), words.end(), *text) != words.end()) return *text;
    auto const near = text ? nearest(*text, words) : std::nullopt;
    wrong(*value, key, quoted_list(words) + (near ? fmt::format(" (did you mean \"{}\"?)", *near) : ""));
    return std::nullopt;
}

std::optional<std::int64_t> Section::integer(std::string_view key, std::int64_t min, std::int64_t max) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    auto const* integer = std::get_if<std::int64_t>(&value->is);
    if (!integer || *integer < min || *integer > max) {
        wrong(*value, key, fmt::format("a whole number from {} to {}", min, max));
        return std::nullopt;
    }
    return *integer;
}

std::optional<double> Section::number(std::string_view key, double min, double max) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    auto const given = number_of(*value);
    if (!(given >= min && given <= max)) {
        wrong(*value, key, fmt::format("a number from {} to {}", min, max));
        return std::nullopt;
    }
    return given;
}

std::optional<bool> Section::truth(std::string_view key) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    auto const* truth = std::get_if<bool>(&value->is);
    if (!truth) {
        wrong(*value, key, "true or false, without quotation marks");
        return std::nullopt;
    }
    return *truth;
}

std::optional<std::chrono::milliseconds> Section::seconds(std::string_view key, double min, double max) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    double const given = number_of(*value);
    if (!(given >= min && given <= max)) {
        wrong(*value, key, fmt::format("a number of seconds from {} to {}", min, max));
        return std::nullopt;
    }
    return std::chrono::milliseconds(std::llround(given * 1000));
}

std::optional<std::uint64_t> Section::bytes(std::string_view key, std::uint64_t min, std::uint64_t max) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    std::optional<std::uint64_t> given;
    if (auto const* integer = std::get_if<std::int64_t>(&value->is); integer && *integer >= 0) given = static_cast<std::uint64_t>(*integer);
    if (auto const* text = std::get_if<std::string>(&value->is)) given = parse_size(*text);
    if (!given || *given < min || *given > max) {
        wrong(*value, key, fmt::format("a size from \"{}\" to \"{}\", or a whole number of bytes", size_words(min), size_words(max)));
        return std::nullopt;
    }
    return given;
}

std::optional<HostPort> Section::address(std::string_view key, bool port_may_be_zero) {
    Value const* value = find(key);
    if (!value) return std::nullopt;
    auto const* text = std::get_if<std::string>(&value->is);
    auto found = text ? parse_host_port(*text) : std::nullopt;
    if (!found || (found->port == 0 && !port_may_be_zero)) {
        wrong(*value, key,
              fmt::format("\"host:port\" with a port from {} to 65535, such as \"127.0.0.1:8080\" or \"[::1]:8080\"",
                          port_may_be_zero ? 0 : 1));
        return std::nullopt;
    }
    return found;
}

std::optional<Section> Section::table(std::string_view key) {
    known_.emplace(key);
    std::vector<Table const*> parts;
    std::optional<Position> at;
    for (Table const* part : parts_) {
        for (Entry const& entry : *part) {
            if (entry.key != key) continue;
            if (auto const* table = std::get_if<Table>(&entry.value.is)) {
                parts.push_back(table);
                if (!at) at = entry.value.at;
            } else {
                wrong(entry.value, key, fmt::format("a table, written as [{}]", name(key)));
            }
        }
    }
    if (!at) return std::nullopt;
    return Section(*document_, name(key), *at, std::move(parts));
}

std::vector<Section> Section::tables(std::string_view key) {
    known_.emplace(key);
    std::vector<Section> out;
    for (Table const* part : parts_) {
        for (Entry const& entry : *part) {
            if (entry.key != key) continue;
            auto const* array = std::get_if<Array>(&entry.value.is);
            if (!array) {
                wrong(entry.value, key, fmt::format("a list of tables, each written as [[{}]]", name(key)));
                continue;
            }
            for (Value const& item : *array) {
                if (auto const* table = std::get_if<Table>(&item.is))
                    out.push_back(Section(*document_, name(key), item.at, {table}));
                else
                    wrong(item, key, fmt::format("a table, written as [[{}]]", name(key)));
            }
        }
    }
    return out;
}

void Section::refuse(std::string_view key, std::string_view because) {
    if (!has(key)) return;
    refused_.emplace(key);
    document_->mistake(where(key), fmt::format("{} has no effect here: {}.", name(key), because));
}

void Section::finish() {
    std::vector<std::string_view> const known(known_.begin(), known_.end());
    for (Table const* part : parts_) {
        for (Entry const& entry : *part) {
            if (known_.contains(entry.key) || refused_.contains(entry.key)) continue;
            auto const near = nearest(entry.key, known);
            std::string const hint =
                near ? fmt::format("did you mean \"{}\"? It is", *near) : fmt::format("known here are {}. It is", quoted_list(known));
            document_->mistake(
                entry.at, fmt::format("unknown key \"{}\"{}; {} misspelt, or from a newer version (this is {}).", entry.key.substr(0, 80),
                                      path_.empty() ? "" : fmt::format(" in [{}]", path_), hint, version));
        }
    }
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (code != std::errc{}) return std::nullopt;
    std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    if (unit.starts_with(' ')) unit.remove_prefix(1);
    constexpr std::pair<std::string_view, std::uint64_t> units[] = {
        {"", 1},       {"B", 1},          {"KiB", 1ull << 10},   {"MiB", 1ull << 20},      {"GiB", 1ull << 30}, {"TiB", 1ull << 40},
        {"kB", 1'000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}, {"TB", 1'000'000'000'000}};
    for (auto const& [name, factor] : units)
        if (unit == name) return number > UINT64_MAX / factor ? std::nullopt : std::optional(number * factor);
    return std::nullopt;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
    std::size_t const colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    std::string_view const digits = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != std::string_view::npos)
        return std::nullopt;  // an IPv6 address without its brackets: where it ends is a guess
    if (host.empty() || host.size() > 253 || host.find_first_of(" \t/[]") != std::string_view::npos) return std::nullopt;
    std::uint16_t port = 0;
    auto const [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (code != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return HostPort{std::string(host), port};
}

}  // namespace marrowlink::settings
