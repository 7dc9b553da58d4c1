// What people say of a plate by its barcode, apart from any run: its layout and its sample sheet. Versioned: a change is a new version, and
// every earlier one stays. Triggers of the database mark the runs of the plate as due for evaluation (evaluations.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/sha256.hpp"
#include "io/sqlite.hpp"

namespace marrowlink::central {

enum class AnnotationKind : std::uint8_t { layout, sample };
std::string_view name_of(AnnotationKind kind);

inline constexpr std::size_t barcode_bytes_max = 64;  // longer: refused

struct Annotation {
    std::int64_t id = 0, version = 0;  // versions of a kind and barcode count from 1
    std::string bytes;
    Digest sha256{};  // of the bytes
};

struct AddedAnnotation {
    std::int64_t version = 0;
    bool unchanged = false;  // the latest version had these bytes already
};
// Checked first, as `file` in messages, and stored in one transaction of its own; beside a running centre too. Refused: what PlateLayout
// and SampleSheet refuse, and a barcode that has other than letters, digits, '.', '_' and '-' or looks like what identifies a person.
Result<AddedAnnotation> add_annotation(Database& database, AnnotationKind kind, std::string_view barcode, std::string const& bytes,
                                       std::string const& file, std::int64_t now_ms);

Result<std::optional<Annotation>> latest_annotation(Database& database, AnnotationKind kind, std::string_view barcode);

}  // namespace marrowlink::central
