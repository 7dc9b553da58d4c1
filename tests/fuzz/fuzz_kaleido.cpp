// Any bytes: no crash, and what is read is whole. Seeds: tests/data/kaleido.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/kaleido/parse.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes{reinterpret_cast<char const*>(data), size};
    auto const& format = marrowlink::kaleido_format();
    format.recognises(bytes);
    bool const complete = format.completeness(bytes).complete;
    auto const document = format.parse(bytes);
    if (!document) return 0;
    if (!complete) std::abort();
    for (auto const& reading : document->readings)
        if (reading.well.empty() || reading.value.empty() == reading.flag.empty()) std::abort();
    for (auto const& bears : document->name_bearing)
        if (bears.offset > size || bears.length > size - bears.offset) std::abort();
    return 0;
}
