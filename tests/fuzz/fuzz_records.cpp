// Records and what stands in their topics, from bytes that anybody may have sent.
#include <cstdint>
#include <cstdlib>

#include "core/json.hpp"
#include "core/record.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink;
    std::string_view const bytes{reinterpret_cast<char const*>(data), size};
    if (auto decoded = decode_attributes(bytes)) {
        // What is accepted is exactly what we would have written.
        if (encode_attributes(*decoded) != bytes) std::abort();
        for (auto const& [name, value] : *decoded)
            if (find_attribute(bytes, name) != value) std::abort();
    }
    if (auto const parsed = topic::parse_record(bytes)) {
        if (topic::record(parsed->site, parsed->gateway, parsed->instrument, parsed->type) != bytes) std::abort();
    }
    if (auto const seq = sequence_from(bytes)) {
        if (sequence_text(*seq) != bytes) std::abort();
    }
    static_cast<void>(json::parse(bytes, "input"));
    return 0;
}
