// From an MQTT message to a record with its place. What cannot be placed (no topic, stream, seq or chain that makes sense) is rejected
// here: it can be neither stored nor acknowledged. What has a place but makes no sense is the ledger's: it is stored as refused.
#pragma once

#include <string>
#include <string_view>

#include "core/record.hpp"
#include "core/uplink.hpp"

namespace marrowlink::central {

inline constexpr std::size_t message_bytes_max = 1 << 20;  // attributes and data; a larger message is rejected

struct Incoming {
    std::string site, gateway, instrument, type;  // as the topic says
    Record record;
    std::string_view stream() const { return record.attribute("stream"); }
};

// `ack`, `answer` and `centre` stand where a site stands in other topics.
bool is_reserved_site(std::string_view site);
bool is_stream_id(std::string_view text);  // a UUID in lower case

Result<Incoming> incoming_from(Message&& message);

// {site} and {gateway} of marrowlink/1/{site}/{gateway}/state.
struct GatewayTopic {
    std::string_view site, gateway;
};
std::optional<GatewayTopic> parse_gateway_state(std::string_view topic);

// What the ledger can say against a record that has a place: attributes, size, type. Empty: nothing.
std::string objection_to(Incoming const& incoming);

}  // namespace marrowlink::central
