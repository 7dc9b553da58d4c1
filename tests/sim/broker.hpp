// An MQTT broker and the network around it, as bad as real ones: bounded queues that drop in silence, PUBACKs that promise nothing, links
// that are dead without a word, a second client under the same id. Mirrors io/mqtt: SimulatedUplink is what MqttUplink is to a real broker.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/uplink.hpp"
#include "process.hpp"

namespace marrowlink::sim {

class Broker;

class SimulatedUplink final : public Uplink {
 public:
    struct Options {
        std::string client_id;
        std::vector<std::string> subscriptions;
        Message will;
        std::chrono::milliseconds keepalive{15'000};
    };
    SimulatedUplink(Broker& broker, Process& process, Options options);
    ~SimulatedUplink() override;

    void listen(UplinkListener* listener) override { listener_ = listener; }
    void open() override;
    void close() override;
    void publish(std::uint64_t token, Message message) override;

    // Its program is gone. `silently`: with its machine, so that nobody says goodbye.
    void kill(bool silently);

 private:
    friend class Broker;
    struct Link;
    Broker& broker_;
    Process& process_;
    Options options_;
    UplinkListener* listener_ = nullptr;
    std::shared_ptr<Link> link_;
};

class Broker {
 public:
    // Once in so many; 0: never.
    struct Habits {
        std::uint64_t forgets_one_in = 0;       // PUBACKs a publish and hands it to nobody
        std::uint64_t repeats_one_in = 0;       // hands a message to a subscriber twice
        std::uint64_t keeps_puback_one_in = 0;  // never answers a publish, and goes on answering pings
    };
    static constexpr std::uint32_t receive_maximum = 20;
    static constexpr std::size_t queue_max = 1'000;  // messages waiting for one subscriber; more are dropped, and nobody is told

    Broker(Timeline& timeline, SeededEntropy& dice) : timeline_(timeline), dice_(dice) {}

    Habits habits;
    bool forbids = false;  // answers every publish of a record with 135

    void stop();                       // every link ends; queues are forgotten
    void start(bool forget_retained);  // takes connections again
    bool up() const { return up_; }
    void drop(std::string const& client_id);               // the link ends and both sides see it
    void blackhole(std::string const& client_id);          // nothing passes any more, and nobody is told
    void isolate(std::string const& client_id, bool yes);  // no connection can be made; what there is becomes a blackhole

    std::vector<std::string> const& violations() const { return violations_; }  // of the protocol, by clients

 private:
    friend class SimulatedUplink;
    using LinkPtr = std::shared_ptr<SimulatedUplink::Link>;
    void connect(LinkPtr const& link);
    void accept(LinkPtr const& link);
    void received(LinkPtr const& link, std::uint64_t token, std::shared_ptr<Message const> message);
    bool route(std::shared_ptr<Message const> const& message);
    void offer(LinkPtr const& link, std::shared_ptr<Message const> message);
    void deliver(LinkPtr const& link, std::shared_ptr<Message const> message);
    void flush(LinkPtr const& link);
    void to_broker(LinkPtr const& link, std::function<void()> what);
    void to_client(LinkPtr const& link, std::function<void(UplinkListener&)> what);
    void end_at_broker(LinkPtr const& link);
    void end_at_client(LinkPtr const& link, LinkEnd end, std::string detail);
    void cut(LinkPtr const& link);
    Clock::Instant arrival(Clock::Instant& last);
    LinkPtr link_of(std::string const& client_id) const;

    Timeline& timeline_;
    SeededEntropy& dice_;
    bool up_ = true;
    std::list<LinkPtr> links_;  // connected, as the broker sees it
    std::map<std::string, std::shared_ptr<Message const>> retained_;
    std::map<std::string, bool> isolated_;
    std::vector<std::string> violations_;
};

bool topic_matches(std::string_view filter, std::string_view topic);

}  // namespace marrowlink::sim
