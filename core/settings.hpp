// Strict reading of TOML configuration; toml++'s one door. A program asks a Section for each key it knows, with the type and range it
// takes. Every mistake is collected with file, line and column instead of ending the reading, and a key that was never asked for is a
// mistake too. Pure: text in, values and mistakes out.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::settings {

inline constexpr std::size_t text_bytes_max = 1 << 20;   // a larger file is refused whole
inline constexpr std::size_t mistakes_listed_max = 100;  // the rest is counted

struct SourceText {
    std::string filename;  // as people shall read it in a message
    std::string text;
};

struct Position {
    std::uint32_t file = 0;  // index of the SourceText
    std::uint32_t line = 1;
    std::uint32_t column = 1;
    friend auto operator<=>(Position const&, Position const&) = default;
};

// One TOML value. `Other` is a date or time, which no key of ours takes.
struct Value;
struct Entry;
struct Other {};
using Table = std::vector<Entry>;
using Array = std::vector<Value>;
struct Value {
    Position at;
    std::variant<std::string, std::int64_t, double, bool, Array, Table, Other> is;
};
struct Entry {
    std::string key;
    Position at;
    Value value;
};

class Section;

// The texts that make up one configuration, and what was found wrong with them. A key set in two texts is a mistake; [[lists]] of tables
// add up.
class Document {
 public:
    explicit Document(std::vector<SourceText> texts);
    Document(Document const&) = delete;
    Document& operator=(Document const&) = delete;

    Section root();
    void mistake(Position at, std::string sentence);
    void warning(Position at, std::string sentence);
    std::string place(Position at) const;  // "gateway.toml:12:3"

    // The mistakes, one per line and in the order of the text: "gateway.toml:12:3: sentence". Success when there are none.
    Result<void> verdict() const;
    std::vector<std::string> warnings() const;

 private:
    friend class Section;
    std::vector<SourceText> texts_;
    std::vector<Table> roots_;
    std::vector<std::pair<Position, std::string>> mistakes_, warnings_;
    bool unreadable_ = false;  // some text is no TOML: what is missing may stand in the damaged part, so it is not reported
};

// A host and a port: "broker.lab:1883", "127.0.0.1:8080", "[::1]:8080".
struct HostPort {
    std::string host;
    std::uint16_t port = 0;
    friend bool operator==(HostPort const&, HostPort const&) = default;
};

// One table. Each getter returns nothing when the key is absent or wrong; wrong is already reported then. Absent is reported by `require`
// only.
class Section {
 public:
    std::optional<std::string> text(std::string_view key,
                                    std::size_t bytes_max = 1024);  // empty text is refused: leave the key out instead
    std::optional<std::string> path(std::string_view key);          // an absolute path
    std::optional<std::string> choice(std::string_view key, std::initializer_list<std::string_view> known);
    std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
    std::optional<double> number(std::string_view key, double min, double max);  // whole or with a fraction
    std::optional<bool> truth(std::string_view key);
    std::optional<std::chrono::milliseconds> seconds(std::string_view key, double min, double max);  // whole or with a fraction
    std::optional<std::uint64_t> bytes(std::string_view key, std::uint64_t min,
                                       std::uint64_t max);  // 4096 or "4 GiB"; also KiB, MiB, TiB, kB, MB, GB, TB
    std::optional<HostPort> address(std::string_view key, bool port_may_be_zero);
    std::optional<Section> table(std::string_view key);
    std::vector<Section> tables(std::string_view key);  // [[key]]

    // Calls the getter's result in and reports its absence: `auto site = root.require("site", root.text("site"), "…what it is for…")`.
    template <class T>
    T require(std::string_view key, std::optional<T> found, std::string_view meaning) {
        if (found) return *std::move(found);
        missing(key, meaning);
        return T{};
    }

    bool has(std::string_view key) const;
    // The place of a key's value, or of the section itself when the key is absent.
    Position where(std::string_view key) const;
    Position where() const { return at_; }
    void mistake(std::string_view key, std::string sentence);
    void mistake(std::string sentence) { document_->mistake(at_, std::move(sentence)); }
    void warning(std::string_view key, std::string sentence);
    // These keys may stand here although nothing asked for them.
    void know(std::initializer_list<std::string_view> keys) {
        for (std::string_view const key : keys) known_.emplace(key);
    }
    // The key is known to us but has no business here: "belongs to driver "line"; this instrument's is "folder"".
    void refuse(std::string_view key, std::string_view because);
    // Reports every key that was not asked for, with the nearest one that was. Call last.
    void finish();

    std::string name(std::string_view key) const;  // "outbox.budget"

 private:
    friend class Document;
    Section(Document& document, std::string path, Position at, std::vector<Table const*> parts)
        : document_(&document), path_(std::move(path)), at_(at), parts_(std::move(parts)) {}
    Value const* find(std::string_view key);
    void missing(std::string_view key, std::string_view meaning);
    void wrong(Value const& value, std::string_view key, std::string_view expected);

    Document* document_;
    std::string path_;  // "" for the root, "broker.tls"
    Position at_;
    std::vector<Table const*> parts_;  // the same table in each text
    std::set<std::string, std::less<>> known_, refused_;
};

// "4 GiB" → 4294967296. Nothing when it is no size or does not fit.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::optional<HostPort> parse_host_port(std::string_view text);

}  // namespace marrowlink::settings
