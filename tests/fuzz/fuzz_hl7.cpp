// Any bytes on a line for HL7: no crash, every byte is accounted for once, and the copy that leaves the site parses to the same readings.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "drivers/blanking.hpp"
#include "drivers/hl7/message.hpp"
#include "drivers/hl7/mllp.hpp"
#include "drivers/hl7/parse.hpp"

namespace {

void check(std::string_view text) {
    using namespace marrowlink;
    auto const header = hl7::Message::header_of(text);
    std::string answer;
    for (std::string const& one : hl7::acknowledgements(header ? &*header : nullptr, hl7::Answer::accept, "20261125023000"))
        answer += hl7::framed(one);
    if (header && !answer.empty() && text.find('\x0B') == std::string_view::npos && hl7::next_event(answer).bytes == 0) std::abort();
    auto const document = hl7::parse(text, TextEncoding::latin_1);
    if (!document) return;
    BlankedCopy const copy = copy_without(std::string{text}, document->name_bearing);
    auto const again = hl7::parse(copy.bytes, TextEncoding::latin_1);
    if (!again || again->readings != document->readings || again->identity != document->identity) std::abort();
    for (Reading const& reading : document->readings)
        if (reading.flag.size() > 256 || reading.value.size() > 128 || reading.unit.size() > 64 || reading.read.size() > 1024) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink::hl7;
    std::string_view bytes{reinterpret_cast<char const*>(data), size};
    check(bytes);
    for (;;) {
        Event const event = next_event(bytes);
        if (event.heard == Heard::nothing) break;
        if (event.bytes == 0 || event.bytes > bytes.size() || event.text.size() > event.bytes) std::abort();
        if (event.heard == Heard::message) check(event.text);
        bytes.remove_prefix(event.bytes);
    }
    if (bytes.size() > message_bytes_max + 2) std::abort();
    return 0;
}
