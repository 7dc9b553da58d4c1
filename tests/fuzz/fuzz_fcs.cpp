// libFuzzer target: any bytes give a document or a refusal, and what a document promises holds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "drivers/fcs/parse.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink;
    std::string_view const bytes{reinterpret_cast<char const*>(data), size};
    ExportFormat const& format = fcs_format();
    auto const state = format.completeness(bytes);
    auto const document = format.parse(bytes);
    if (document && !state.complete) std::abort();
    if (auto const present = format.present(bytes); document && !present) std::abort();
    if (!document) return 0;

    std::string copy{bytes};
    for (auto const& range : document->name_bearing) {
        if (range.offset > size || range.length > size - range.offset) std::abort();
        copy.replace(range.offset, range.length, std::string(range.length, ' '));
    }
    std::size_t lines = 0;
    auto const count = [](void* to, std::string_view) { ++*static_cast<std::size_t*>(to); };
    if (!format.events(bytes, count, &lines)) std::abort();
    std::uint64_t expected = document->datasets.size() * 2 - 1;
    for (auto const& set : document->datasets) expected += set.events;
    if (lines != expected) std::abort();
    return 0;
}
