// The link to the broker, as a port: MQTT in production, a simulated broker in tests. One object is one client id; each `open` is a new
// connection with nothing left over from the last. Nothing given to it counts as sent, and a PUBACK counts as nothing but room in the
// window. All calls and all callbacks happen on the loop.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace marrowlink {

struct Message {
    std::string topic;
    std::string payload;
    std::string content_type;                                     // MQTT 5 content type; empty: none
    std::vector<std::pair<std::string, std::string>> properties;  // MQTT 5 user properties, in order, repetitions kept
    bool retain = false;
};

struct Connected {
    std::uint32_t receive_maximum = 20;  // publishes without PUBACK that the broker allows
    std::uint32_t packet_bytes_max = 0;  // 0: no limit announced
};

enum class LinkEnd : std::uint8_t {
    refused,         // no connection could be made: address, DNS, TCP, TLS; `detail` says which
    not_authorised,  // CONNACK 134/135 or a publish answered 135
    taken_over,      // another client uses this id: DISCONNECT 142, or what shows it where the broker sends none
    lost,            // the connection broke or fell silent past its keepalive
    asked,           // we closed it
};

class UplinkListener {
 public:
    virtual ~UplinkListener() = default;
    virtual void on_connected(Connected const& connected) = 0;
    virtual void on_closed(LinkEnd end, std::string const& detail) = 0;    // after every `open`, exactly once, also when it never connected
    virtual void on_puback(std::uint64_t token, std::uint8_t reason) = 0;  // MQTT 5 reason code; 16: nobody subscribed, 135: not authorised
    virtual void on_messages(std::vector<Message> messages) = 0;           // those of one read from the socket, in order
};

class Uplink {
 public:
    virtual ~Uplink() = default;
    virtual void listen(UplinkListener* listener) = 0;  // before the first `open`
    virtual void open() = 0;                            // one attempt; ends in on_connected or on_closed
    virtual void close() = 0;                           // ends in on_closed(asked)
    // QoS 1. `token` comes back in on_puback, or never when the connection ends first. Only while connected.
    virtual void publish(std::uint64_t token, Message message) = 0;
};

}  // namespace marrowlink
