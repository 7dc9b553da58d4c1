#include "drivers/blanking.hpp"

#include <algorithm>

#include "core/record.hpp"

namespace marrowlink {

namespace {
struct Span {
    std::uint64_t begin, end;
};

// In order, inside the file, joined where they touch.
std::vector<Span> spans_of(std::vector<NameBearing> const& fields, std::uint64_t size) {
    std::vector<Span> spans;
    for (NameBearing const& field : fields) {
        std::uint64_t const begin = std::min(field.offset, size);
        std::uint64_t const end = begin + std::min(field.length, size - begin);
        if (begin < end) spans.push_back({begin, end});
    }
    std::sort(spans.begin(), spans.end(), [](Span a, Span b) { return a.begin < b.begin; });
    std::vector<Span> joined;
    for (Span const span : spans) {
        if (!joined.empty() && span.begin <= joined.back().end)
            joined.back().end = std::max(joined.back().end, span.end);
        else
            joined.push_back(span);
    }
    return joined;
}

}  // namespace

BlankedCopy copy_without(std::string bytes, std::vector<NameBearing> const& fields) {
    BlankedCopy out{std::move(bytes), {}, 0};
    for (Span const span : spans_of(fields, out.bytes.size())) {
        for (std::uint64_t at = span.begin; at < span.end;) {
            std::uint64_t const end = std::min(span.end, (at / block_bytes_max + 1) * block_bytes_max);
            out.pieces.push_back({at, out.bytes.substr(at, end - at)});
            at = end;
        }
        std::fill(out.bytes.begin() + static_cast<std::ptrdiff_t>(span.begin), out.bytes.begin() + static_cast<std::ptrdiff_t>(span.end),
                  ' ');
        out.blanked += span.end - span.begin;
    }
    for (NameBearing const& field : fields)
        if (!field.instead.empty() && field.instead.size() == field.length && field.offset <= out.bytes.size() &&
            field.length <= out.bytes.size() - field.offset)
            out.bytes.replace(field.offset, field.length, field.instead);
    return out;
}

}  // namespace marrowlink
