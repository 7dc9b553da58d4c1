// Any bytes of a BioTek reader: no crash, every byte is accounted for once, and a plate that is read holds each well once.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "drivers/biotek/parse.hpp"
#include "drivers/biotek/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink::biotek;
    std::string_view bytes{reinterpret_cast<char const*>(data), size};
    for (;;) {
        Event const event = next_event(bytes);
        if (event.heard == Heard::nothing) break;
        if (event.bytes == 0 || event.bytes > bytes.size()) std::abort();
        if (!event.status.empty()) words_of(event.status);
        if (auto const document = parse(bytes.substr(0, event.bytes))) {
            if (event.heard != Heard::plate) std::abort();
            std::set<std::string> wells;
            for (auto const& reading : document->readings)
                if (!wells.insert(reading.well).second || reading.value.empty() == reading.flag.empty()) std::abort();
        }
        bytes.remove_prefix(event.bytes);
    }
    if (bytes.size() > plate_bytes_max) std::abort();
    return 0;
}
