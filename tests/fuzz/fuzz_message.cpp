// What the centre makes of any MQTT message: lines of the input are topic, content type and name=value properties; an empty line, then the
// payload.
#include <cstdint>
#include <cstdlib>

#include "central/message.hpp"

using namespace marrowlink;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view rest{reinterpret_cast<char const*>(data), size};
    auto const line = [&rest] {
        auto const end = rest.find('\n');
        std::string_view const out = rest.substr(0, end);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        return out;
    };
    Message message;
    message.topic = line();
    message.content_type = line();
    for (std::string_view property = line(); !property.empty(); property = line()) {
        auto const equals = property.find('=');
        message.properties.emplace_back(property.substr(0, equals), equals == std::string_view::npos ? "" : property.substr(equals + 1));
    }
    message.payload = rest;
    central::parse_gateway_state(message.topic);
    auto const incoming = central::incoming_from(std::move(message));
    if (!incoming) return 0;
    // What has a place can be stored: its attributes read back as they are, and its place is within bounds.
    if (!decode_attributes(incoming->record.attributes) || !central::is_stream_id(incoming->stream()) || incoming->record.seq == 0)
        std::abort();
    if (!is_identifier(incoming->site) || central::is_reserved_site(incoming->site)) std::abort();
    central::objection_to(*incoming);
    return 0;
}
