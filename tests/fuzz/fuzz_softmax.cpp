// Any bytes: no crash, and what is read is whole. Seeds: tests/data/softmax.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/softmax/parse.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes{reinterpret_cast<char const*>(data), size};
    auto const& format = marrowlink::softmax_format();
    format.recognises(bytes);
    bool const complete = format.completeness(bytes).complete;
    auto const document = format.parse(bytes);
    (void)format.present(bytes);
    for (auto const& bears : format.names(bytes))
        if (bears.offset > size || bears.length > size - bears.offset) std::abort();
    if (!document) return 0;
    if (!complete || document->readings.empty()) std::abort();
    for (auto const& reading : document->readings)
        if (reading.well.empty() || reading.value.empty() == reading.flag.empty()) std::abort();
    return 0;
}
