// The JSON Schemas of docs/schema, as the centre enforces them: one truth for the contract, the tests and the ledger.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/embedded.hpp"
#include "core/json.hpp"

namespace marrowlink::central {

// Draft 2020-12, the keywords that our schemas use: type, properties, required, additionalProperties (false), items, minItems, enum, const,
// pattern (on texts of at most 256 bytes), minLength, maxLength, minimum, oneOf. Building a Schemas from text with any other keyword fails.
class Schemas {
 public:
    static Result<Schemas> from(std::span<EmbeddedFile const> files);  // `<name>.json` each
    static Schemas const& of_wire();                                   // those compiled in
    ~Schemas();
    Schemas(Schemas&&) noexcept;

    bool knows(std::string_view name) const;
    // Nothing when `value` fits schema `name`, else where and why: "readings/3/value is a number, expected a string".
    std::optional<std::string> mismatch(std::string_view name, json::value const& value) const;

 private:
    struct Compiled;
    explicit Schemas(std::unique_ptr<Compiled> compiled);
    std::unique_ptr<Compiled> compiled_;
};

}  // namespace marrowlink::central

namespace marrowlink {
std::span<EmbeddedFile const> wire_schemas();  // docs/schema/*.json, written by the build
}
