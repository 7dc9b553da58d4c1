// The Uplink over MQTT 5; libmosquitto's one door. A thread of its own drives the library by hand, because connecting and DNS block and
// because the library's own thread ends for good after a TLS cut. Each `open` uses a new library handle, so nothing old is queued there.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/uplink.hpp"

namespace marrowlink {

struct MqttTls {
    std::string ca;           // PEM files; read again at each connect, so a renewed certificate needs no restart
    std::string certificate;  // both empty: no client certificate
    std::string key;
};

struct MqttOptions {
    std::string host;
    std::uint16_t port = 1883;
    std::string client_id;
    std::string username, password;
    int keepalive_s = 15;
    std::optional<MqttTls> tls;
    std::uint16_t receive_maximum = 200;     // publishes to us without our PUBACK
    std::vector<std::string> subscriptions;  // QoS 1, asked for in each new connection before on_connected is reported
    Message will;                            // topic empty: none; sent by the broker when the connection ends in any way, `close` included
};

class MqttUplink final : public Uplink {
 public:
    MqttUplink(boost::asio::any_io_executor loop, MqttOptions options);
    ~MqttUplink() override;  // waits for the thread, but at most two seconds: a connect to a silent address cannot be interrupted
    MqttUplink(MqttUplink const&) = delete;
    MqttUplink& operator=(MqttUplink const&) = delete;

    void listen(UplinkListener* listener) override;
    void open() override;
    void close() override;
    void publish(std::uint64_t token, Message message) override;

 private:
    class Link;
    std::shared_ptr<Link> link_;
};

}  // namespace marrowlink
