// What must hold of any bytes that are offered to an export format of plate readers: no crash, and what is read is whole.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/document.hpp"

namespace marrowlink {

inline int fuzz_export(ExportFormat const& format, std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes{reinterpret_cast<char const*>(data), size};
    format.recognises(bytes);
    bool const complete = format.completeness(bytes).complete;
    auto const document = format.parse(bytes);
    if (format.present) (void)format.present(bytes);
    auto const inside = [&](NameBearing const& bears) { return bears.offset <= size && bears.length <= size - bears.offset; };
    if (format.names)
        for (auto const& bears : format.names(bytes))
            if (!inside(bears)) std::abort();
    if (!document) return 0;
    if (!complete) std::abort();
    for (auto const& reading : document->readings)
        if (reading.well.empty() || reading.value.empty() == reading.flag.empty()) std::abort();
    for (auto const& bears : document->name_bearing)
        if (!inside(bears) || (!bears.instead.empty() && bears.instead.size() != bears.length)) std::abort();
    return 0;
}

}  // namespace marrowlink
