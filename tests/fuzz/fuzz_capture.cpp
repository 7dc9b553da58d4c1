// Any text as a capture: what is read is written as a text that is read the same, and its times never go back.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "drivers/capture.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink;
    auto const read = parse_capture({reinterpret_cast<char const*>(data), size});
    if (!read) return 0;
    std::string text = capture_head(read->port, read->begun);
    std::string from, to;
    std::chrono::milliseconds last{0};
    for (CaptureChunk const& chunk : read->chunks) {
        if (chunk.at < last || chunk.bytes.empty()) std::abort();
        last = chunk.at;
        (chunk.from_instrument ? from : to) += chunk.bytes;
        text += capture_line(chunk);
    }
    text += capture_end(read->chunks);
    auto const again = parse_capture(text);
    if (!again || !again->complete) std::abort();
    std::string from_again, to_again;
    for (CaptureChunk const& chunk : again->chunks) (chunk.from_instrument ? from_again : to_again) += chunk.bytes;
    if (from_again != from || to_again != to) std::abort();
    return 0;
}
