// Request targets, Host, Origin and Authorization, as a hostile page or client would write them. The first four words of the input.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "io/http_text.hpp"

using namespace marrowlink::http_text;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<char const*>(data), size);
    std::array<std::string_view, 4> words;
    for (std::string_view& word : words) {
        word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(word.size() == rest.size() ? rest.size() : word.size() + 1);
    }
    auto const [target, host, origin, authorization] = words;
    if (auto const parsed = parse_target(target))
        if (!parsed->path.starts_with('/') || parsed->path.find('\0') != std::string::npos) std::abort();
    // A name of somebody else's is never ours, and whoever has another origin than the host he names is never this page.
    if (is_own_host(host, {}) && host_of(host).ends_with(".example")) std::abort();
    if (is_same_origin(origin, host) && origin.size() <= host.size()) std::abort();
    if (is_bearer(authorization, "secret") && authorization != "Bearer secret") std::abort();
    return 0;
}
