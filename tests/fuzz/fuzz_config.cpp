// Any text as a configuration: it is refused with a message or read, never more.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/config.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size > 16 << 10) return 0;  // every damaged line costs a parse of the whole text
    std::string const text(reinterpret_cast<char const*>(data), size);
    auto const config = marrowlink::parse_config(text, "fuzz.toml");
    if (config ? config->site.empty() || config->broker.client_id.empty() : config.error().message.empty()) std::abort();
    return 0;
}
