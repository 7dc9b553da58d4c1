#include "central/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <regex>

#include "core/text.hpp"

namespace marrowlink::central {
namespace {
constexpr std::size_t pattern_bytes_max = 256;  // std::regex needs stack in proportion to the text

constexpr std::array<std::string_view, 17> known_keywords = {
    "$schema", "$id",   "title",   "description", "type",      "properties", "required", "additionalProperties", "items", "minItems",
    "enum",    "const", "pattern", "minLength",   "maxLength", "minimum",    "oneOf"};

using Patterns = std::map<std::string, std::regex, std::less<>>;

std::string_view kind_of(json::value const& value) {
    if (value.is_object()) return "object";
    if (value.is_array()) return "array";
    if (value.is_string()) return "string";
    if (value.is_bool()) return "boolean";
    if (value.is_null()) return "null";
    return value.is_double() ? "number" : "integer";
}

// Unicode letters, which is what minLength and maxLength count: bytes that do not continue a UTF-8 sequence.
std::size_t letters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

Result<void> prepare(json::value const& schema, Patterns& patterns, std::string const& where) {
    auto const* const object = schema.if_object();
    if (!object) return fail(Fault::broken, fmt::format("{}: a schema is an object.", where));
    for (auto const& [keyword, value] : *object) {
        std::string_view const name = keyword;
        if (std::find(known_keywords.begin(), known_keywords.end(), name) == known_keywords.end())
            return fail(Fault::broken, fmt::format("{}: keyword {} is not one that this program enforces.", where, name));
        if (name == "pattern") {
            std::string const text{value.as_string()};
            patterns.try_emplace(text, text, std::regex::ECMAScript | std::regex::optimize);
        } else if (name == "items") {
            if (auto const done = prepare(value, patterns, where + "/items"); !done) return done;
        } else if (name == "properties") {
            for (auto const& [property, inner] : value.as_object())
                if (auto const done = prepare(inner, patterns, fmt::format("{}/{}", where, std::string_view{property})); !done) return done;
        } else if (name == "oneOf") {
            for (auto const& inner : value.as_array())
                if (auto const done = prepare(inner, patterns, where + "/oneOf"); !done) return done;
        }
    }
    return {};
}

using Mismatch = std::optional<std::string>;  // starts with the path below the value, or with a space

Mismatch check(json::object const& schema, json::value const& value, Patterns const& patterns);

Mismatch check_text(json::object const& schema, std::string_view text, Patterns const& patterns) {
    auto const* const longest = schema.if_contains("maxLength");
    if (longest && text.size() > static_cast<std::size_t>(longest->as_int64()) &&
        letters(text) > static_cast<std::size_t>(longest->as_int64()))
        return fmt::format(" has {} letters, expected at most {}", letters(text), longest->as_int64());
    auto const* const shortest = schema.if_contains("minLength");
    if (shortest && letters(text) < static_cast<std::size_t>(shortest->as_int64())) return " is empty, expected a text";
    if (auto const* const pattern = schema.if_contains("pattern")) {
        auto const& compiled = patterns.find(std::string_view{pattern->as_string()})->second;
        if (text.size() > pattern_bytes_max || !std::regex_search(text.begin(), text.end(), compiled))
            return fmt::format(" is \"{}\", expected {}", beginning_of(text, 80), std::string_view{pattern->as_string()});
    }
    return std::nullopt;
}

Mismatch check_object(json::object const& schema, json::object const& value, Patterns const& patterns) {
    if (auto const* const required = schema.if_contains("required"))
        for (auto const& name : required->as_array())
            if (!value.contains(name.as_string())) return fmt::format(" has no member {}", std::string_view{name.as_string()});
    auto const* const properties = schema.if_contains("properties");
    if (!properties) return std::nullopt;
    bool const closed = schema.contains("additionalProperties");
    for (auto const& [name, member] : value) {
        auto const* const inner = properties->as_object().if_contains(name);
        if (!inner && closed) return fmt::format(" has an unknown member {}", std::string_view{name});
        if (!inner) continue;
        if (auto const found = check(inner->as_object(), member, patterns)) return fmt::format("/{}{}", std::string_view{name}, *found);
    }
    return std::nullopt;
}

Mismatch check(json::object const& schema, json::value const& value, Patterns const& patterns) {
    if (auto const* const wanted = schema.if_contains("type")) {
        std::string_view const kind = kind_of(value);
        std::string_view const name = wanted->as_string();
        if (kind != name && !(name == "number" && kind == "integer")) return fmt::format(" is a value of kind {}, expected {}", kind, name);
    }
    if (auto const* const choices = schema.if_contains("enum")) {
        auto const& list = choices->as_array();
        if (std::find(list.begin(), list.end(), value) == list.end())
            return fmt::format(" is {}, expected one of {}", beginning_of(json::serialize(value), 80), json::serialize(list));
    }
    if (auto const* const only = schema.if_contains("const"); only && *only != value)
        return fmt::format(" is {}, expected {}", beginning_of(json::serialize(value), 80), json::serialize(*only));
    if (auto const* const least = schema.if_contains("minimum"))
        if (auto const* const number = value.if_int64(); number && *number < least->as_int64())
            return fmt::format(" is {}, expected at least {}", *number, least->as_int64());
    if (auto const* const text = value.if_string()) return check_text(schema, *text, patterns);
    if (auto const* const array = value.if_array()) {
        if (auto const* const least = schema.if_contains("minItems"); least && array->size() < static_cast<std::size_t>(least->as_int64()))
            return fmt::format(" has {} items, expected at least {}", array->size(), least->as_int64());
        if (auto const* const items = schema.if_contains("items"))
            for (std::size_t i = 0; i < array->size(); ++i)
                if (auto const found = check(items->as_object(), (*array)[i], patterns)) return fmt::format("/{}{}", i, *found);
    }
    if (auto const* const object = value.if_object())
        if (auto found = check_object(schema, *object, patterns)) return found;
    if (auto const* const choices = schema.if_contains("oneOf")) {
        auto const fits = std::count_if(choices->as_array().begin(), choices->as_array().end(),
                                        [&](json::value const& one) { return !check(one.as_object(), value, patterns); });
        if (fits != 1) return fmt::format(" fits {} of {}, expected exactly one", fits, json::serialize(*choices));
    }
    return std::nullopt;
}
}  // namespace

struct Schemas::Compiled {
    std::map<std::string, json::value, std::less<>> schemas;
    Patterns patterns;
};

Schemas::Schemas(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
Schemas::~Schemas() = default;
Schemas::Schemas(Schemas&&) noexcept = default;

Result<Schemas> Schemas::from(std::span<EmbeddedFile const> files) {
    auto compiled = std::make_unique<Compiled>();
    for (EmbeddedFile const& file : files) {
        auto schema = json::parse(file.bytes, file.name);
        if (!schema) return fail(schema.error());
        if (auto const done = prepare(*schema, compiled->patterns, std::string{file.name}); !done) return fail(done.error());
        compiled->schemas.emplace(file.name.substr(0, file.name.rfind(".json")), std::move(*schema));
    }
    return Schemas{std::move(compiled)};
}

Schemas const& Schemas::of_wire() {
    static Schemas const schemas = [] {
        auto built = from(wire_schemas());
        if (!built) std::abort();  // the build's own files; a test reads them first
        return std::move(*built);
    }();
    return schemas;
}

bool Schemas::knows(std::string_view name) const { return compiled_->schemas.contains(name); }

std::optional<std::string> Schemas::mismatch(std::string_view name, json::value const& value) const {
    auto const found = compiled_->schemas.find(name);
    if (found == compiled_->schemas.end()) return fmt::format("There is no schema {}", name);
    auto problem = check(found->second.as_object(), value, compiled_->patterns);
    if (problem && problem->starts_with('/')) return problem->substr(1);
    if (problem) return "It" + *problem;
    return std::nullopt;
}

}  // namespace marrowlink::central
