// Any bytes of a Bio-Rad reader: no crash, every byte is accounted for once, and a plate that is read is whole.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/biorad/parse.hpp"
#include "drivers/biorad/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink::biorad;
    std::string_view bytes{reinterpret_cast<char const*>(data), size};
    for (;;) {
        Event const event = next_event(bytes);
        if (event.heard == Heard::nothing) break;
        if (event.bytes == 0 || event.bytes > bytes.size() || event.text.size() > event.bytes) std::abort();
        if (event.heard == Heard::plate)
            if (auto const document = parse(event.text)) {
                if (document->readings.size() % 96 != 0 || document->readings.empty()) std::abort();
                for (auto const& reading : document->readings)
                    if (reading.value.empty() == reading.flag.empty()) std::abort();
            }
        bytes.remove_prefix(event.bytes);
    }
    if (bytes.size() > plate_bytes_max) std::abort();
    return 0;
}
