// Any bytes on an ASTM link: no crash, every byte is accounted for once, and a message that is read holds no patient record's fields.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "drivers/astm/link.hpp"
#include "drivers/astm/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink::astm;
    std::string_view bytes{reinterpret_cast<char const*>(data), size};
    std::string text;
    for (;;) {
        Event const event = next_event(bytes);
        if (event.heard == Heard::nothing) break;
        if (event.bytes == 0 || event.bytes > bytes.size() || event.text.size() > event.bytes) std::abort();
        if (event.heard == Heard::frame) text += event.text;
        bytes.remove_prefix(event.bytes);
    }
    if (bytes.size() > frame_bytes_max + 8) std::abort();
    for (std::string_view const whole : {std::string_view{text}, std::string_view{reinterpret_cast<char const*>(data), size}}) {
        Message const message{whole};
        std::string const copy = message.without_names();
        Message const again{copy};
        if (again.records().size() != message.records().size() || again.sameness() != message.sameness()) std::abort();
    }
    return 0;
}
