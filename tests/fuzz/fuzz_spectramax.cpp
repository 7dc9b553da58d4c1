// A SpectraMax reply as any bytes at all: the decoder, the parser and the status may refuse it, never crash on it, and what is accepted
// must be accepted again in other fragments.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "drivers/spectramax/parse.hpp"
#include "drivers/spectramax/protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace marrowlink;
    using namespace marrowlink::spectramax;
    std::string_view const bytes{reinterpret_cast<char const*>(data), size};
    for (int const fields : {1, 2}) {
        ReplyDecoder whole{fields};
        auto const at_once = whole.feed(bytes);
        ReplyDecoder pieces{fields};
        std::optional<Result<Reply>> bit_by_bit;
        for (std::size_t at = 0; at < size; at += 7) {
            auto decoded = pieces.feed(bytes.substr(at, 7));
            if (decoded) bit_by_bit = std::move(decoded);
        }
        if (at_once.has_value() != bit_by_bit.has_value()) std::abort();
        if (whole.raw() != pieces.raw() || whole.surplus() != pieces.surplus()) std::abort();
        if (at_once && at_once->has_value() != bit_by_bit->has_value()) std::abort();
    }
    (void)parse_status(bytes);
    (void)parse_transfer_reply(bytes);
    auto const transfer = parse_transfer(bytes);
    if (!transfer) return 0;
    if (transfer->rows < 1 || transfer->rows > rows_max || transfer->columns < 1 || transfer->columns > columns_max) std::abort();
    for (Reading const& reading : transfer->readings)
        if (reading.value.empty() == reading.flag.empty()) std::abort();
    return 0;
}
