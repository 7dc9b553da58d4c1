// The whole way, and its limit.
//
// usage: bench_link plain BROKER_PORT MESSAGES BYTES
//        bench_link flow BROKER_PORT SITE GATEWAY SOURCE_PORT MESSAGES BYTES WINDOW RATE
//
// plain   publisher → broker → subscriber with libmosquitto alone: QoS 1, MQTT 5, 13 user properties, topics and sizes as the gateway's,
// window 20, nothing
//         stored. Prints {"per_s":…}.
// flow    a line instrument on SOURCE_PORT that says `REC key payload` and expects `ACK key`, at most WINDOW of them open, RATE a second
// (0: as fast as they
//         are acknowledged); beside it a subscriber hears how far central acknowledges. Prints {"records":…,"seconds":…,"per_s":…} from the
//         first byte sent until central's word for the last record, {"source_p50_ms":…} from byte to the instrument's own acknowledgement,
//         and, at a given rate only,
//         {"centre_p50_ms":…} from byte to the arrival of central's acknowledgement: more than the commit took, never less.
#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "samples.hpp"

using namespace marrowlink;
using bench::now;

namespace {
constexpr int plain_window = 20;
constexpr auto patience = std::chrono::seconds(60);

[[noreturn]] void give_up(std::string const& why) {
    fmt::print(stderr, "bench_link: {}\n", why);
    std::_Exit(70);
}

// A client as anyone would write it: the library's own thread.
class Client {
 public:
    using Heard = std::function<void(mosquitto_message const&, mosquitto_property const*)>;

    Client(std::string const& id, int port, std::vector<std::string> topics, Heard heard)
        : topics_(std::move(topics)), heard_(std::move(heard)), handle_(mosquitto_new(id.c_str(), true, this)) {
        mosquitto_int_option(handle_, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
        mosquitto_int_option(handle_, MOSQ_OPT_TCP_NODELAY, 1);
        mosquitto_connect_v5_callback_set(handle_, [](mosquitto* m, void* self, int, int, mosquitto_property const*) {
            for (std::string const& topic : static_cast<Client*>(self)->topics_)
                mosquitto_subscribe_v5(m, nullptr, topic.c_str(), 1, 0, nullptr);
            if (static_cast<Client*>(self)->topics_.empty()) static_cast<Client*>(self)->signal();
        });
        mosquitto_subscribe_v5_callback_set(
            handle_, [](mosquitto*, void* self, int, int, int const*, mosquitto_property const*) { static_cast<Client*>(self)->signal(); });
        mosquitto_publish_v5_callback_set(
            handle_, [](mosquitto*, void* self, int, int, mosquitto_property const*) { static_cast<Client*>(self)->puback(); });
        mosquitto_message_v5_callback_set(
            handle_, [](mosquitto*, void* self, mosquitto_message const* message, mosquitto_property const* properties) {
                static_cast<Client*>(self)->heard_(*message, properties);
            });
        if (mosquitto_connect(handle_, "127.0.0.1", port, 30) != MOSQ_ERR_SUCCESS) give_up("the broker does not answer");
        mosquitto_loop_start(handle_);
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, patience, [this] { return ready_; })) give_up("the broker did not confirm the subscription");
    }
    ~Client() {
        mosquitto_disconnect(handle_);
        mosquitto_loop_stop(handle_, false);
        mosquitto_destroy(handle_);
    }
    Client(Client const&) = delete;
    Client& operator=(Client const&) = delete;

    void publish(std::string const& topic, std::string const& payload, mosquitto_property const* properties) {
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait_for(lock, patience, [this] { return in_flight_ < plain_window; })) give_up("no PUBACK");
            ++in_flight_;
        }
        if (mosquitto_publish_v5(handle_, nullptr, topic.c_str(), static_cast<int>(payload.size()), payload.data(), 1, false, properties) !=
            MOSQ_ERR_SUCCESS)
            give_up("publishing failed");
    }

    // Called from `heard`. A subscriber that only listens must not be what the broker's small packets wait for.
    void acknowledge_at_once() {
        int const on = 1;
        ::setsockopt(mosquitto_socket(handle_), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    }

 private:
    void signal() {
        std::lock_guard lock(mutex_);
        ready_ = true;
        changed_.notify_all();
    }
    void puback() {
        std::lock_guard lock(mutex_);
        --in_flight_;
        changed_.notify_all();
    }

    std::vector<std::string> topics_;
    Heard heard_;
    mosquitto* handle_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ready_ = false;
    int in_flight_ = 0;
};

void plain(int port, std::uint64_t messages, std::size_t bytes) {
    std::atomic<std::uint64_t> received = 0;
    std::mutex mutex;
    std::condition_variable all;
    Client subscriber("bench-plain-subscriber", port, {"marrowlink/1/+/+/+/+"}, [&](mosquitto_message const&, mosquitto_property const*) {
        if (++received < messages) return;
        std::lock_guard lock(mutex);
        all.notify_all();
    });
    Client publisher("bench-plain-publisher", port, {}, [](mosquitto_message const&, mosquitto_property const*) {});
    std::string const payload(bytes, 'x');
    Origin const origin{"plain", "gw1", "0a000000-0000-4000-8000-00000000000a"};
    Stamp const stamp{"2026-11-25T02:30:00.000Z", "4b1c7a52-7c0e-4b52-9d0b-6a1f4f1f2f11", 123'456'789, true};
    std::string const chain = hex(chain_start(origin.stream));
    std::string const topic = topic::record(origin.site, origin.gateway, "source", type::run_readings);
    Draft draft = bench::draft(1, bytes);
    draft.data.clear();
    auto const attributes = decode_attributes(attributes_of(draft, origin, stamp, 1)).value_or(Attributes{});
    auto const began = now();
    for (std::uint64_t n = 0; n < messages; ++n) {
        mosquitto_property* properties = nullptr;
        mosquitto_property_add_string(&properties, MQTT_PROP_CONTENT_TYPE, "application/json");
        for (auto const& [name, value] : attributes)
            if (name != "datacontenttype")
                mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, name.c_str(), value.c_str());
        mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, "chain", chain.c_str());
        publisher.publish(topic, payload, properties);
        mosquitto_property_free_all(&properties);
    }
    std::unique_lock lock(mutex);
    if (!all.wait_for(lock, patience, [&] { return received >= messages; }))
        give_up(fmt::format("only {} of {} messages arrived", received.load(), messages));
    fmt::print("{{\"per_s\":{:.0f}}}\n", static_cast<double>(messages) / bench::seconds(now() - began));
}

std::string property(mosquitto_property const* properties, std::string_view wanted) {
    for (auto const* p = properties; p; p = mosquitto_property_next(p)) {
        char *name = nullptr, *value = nullptr;
        if (mosquitto_property_identifier(p) != MQTT_PROP_USER_PROPERTY ||
            !mosquitto_property_read_string_pair(p, MQTT_PROP_USER_PROPERTY, &name, &value, false))
            continue;
        std::string found = wanted == name ? value : "";
        std::free(name);
        std::free(value);
        if (!found.empty()) return found;
    }
    return {};
}

// When central said what, and, when asked, which record is which message of the instrument.
class Centre {
 public:
    Centre(int port, std::string const& site, std::string const& gateway, bool records)
        : client_("bench-centre", port, topics(site, gateway, records),
                  [this](mosquitto_message const& message, mosquitto_property const* properties) { hear(message, properties); }) {}

    std::uint64_t through() {
        std::lock_guard lock(mutex_);
        return words_.empty() ? 0 : words_.rbegin()->first;
    }
    bool wait_through(std::uint64_t seq) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return !words_.empty() && words_.rbegin()->first >= seq; });
    }
    std::optional<std::chrono::steady_clock::time_point> acknowledged(std::uint64_t seq) {
        std::lock_guard lock(mutex_);
        auto const word = words_.lower_bound(seq);
        if (word == words_.end()) return std::nullopt;
        return word->second;
    }
    std::map<std::uint64_t, std::uint64_t> seqs() {  // number of the message → seq
        std::lock_guard lock(mutex_);
        return seqs_;
    }

 private:
    static std::vector<std::string> topics(std::string const& site, std::string const& gateway, bool records) {
        std::vector<std::string> topics{topic::acknowledgement(site, gateway, "+")};
        if (records) topics.push_back(topic::record(site, gateway, "+", type::run_readings));
        return topics;
    }
    void hear(mosquitto_message const& message, mosquitto_property const* properties) {
        auto const at = now();
        client_.acknowledge_at_once();
        std::lock_guard lock(mutex_);
        if (std::string_view{message.topic}.starts_with("marrowlink/1/ack/")) {
            std::string const payload(static_cast<char const*>(message.payload), static_cast<std::size_t>(message.payloadlen));
            auto const found = payload.find("\"through\":");
            if (found == std::string::npos) return;
            words_.emplace(std::strtoull(payload.c_str() + found + 10, nullptr, 10), at);
            changed_.notify_all();
            return;
        }
        std::string const key = property(properties, "sourcekey");
        if (key.starts_with("k-"))
            seqs_.emplace(std::strtoull(key.c_str() + 2, nullptr, 10),
                          std::strtoull(property(properties, "sequence").c_str(), nullptr, 10));
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::uint64_t, std::chrono::steady_clock::time_point> words_;
    std::map<std::uint64_t, std::uint64_t> seqs_;
    Client client_;
};

struct Flow {
    int broker_port;
    std::string site, gateway;
    int source_port;
    std::uint64_t messages;
    std::size_t bytes, window;
    double rate;
};

int accept_gateway(int port) {
    int const listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int const on = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 1) != 0)
        give_up("the source's port is taken");
    pollfd waiting{listener, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) != 1)
        give_up("the gateway did not connect to the source");
    int const peer = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::close(listener);
    return peer;
}

void flow(Flow const& flow) {
    Centre centre(flow.broker_port, flow.site, flow.gateway, flow.rate > 0);
    int const peer = accept_gateway(flow.source_port);
    std::this_thread::sleep_for(std::chrono::seconds(1));  // what the gateway says of the new connection is over before the clock starts
    std::uint64_t const base = centre.through();
    // Keys that no earlier run of this program has used against the same outbox.
    std::uint64_t const first =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now().time_since_epoch()).count()) * 1'000'000;
    std::string const filling(flow.bytes, 'x');
    std::vector<std::chrono::steady_clock::time_point> sent(flow.messages);
    std::vector<double> source_ms;
    std::uint64_t said = 0, acknowledged = 0;
    std::string out, heard;
    auto const began = now();
    char chunk[65536];
    while (acknowledged < flow.messages) {
        auto const at = now();
        std::uint64_t const due = flow.rate > 0 ? static_cast<std::uint64_t>(bench::seconds(at - began) * flow.rate) + 1 : flow.messages;
        while (said < std::min(due, flow.messages) && said - acknowledged < flow.window) {
            sent[said] = at;
            fmt::format_to(std::back_inserter(out), "REC k-{} {}\n", first + said, filling);
            ++said;
        }
        if (!out.empty()) {
            ssize_t const n = ::send(peer, out.data(), out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN) give_up("the gateway closed the source's connection");
            if (n > 0) out.erase(0, static_cast<std::size_t>(n));
        }
        pollfd waiting{peer, static_cast<short>(out.empty() ? POLLIN : POLLIN | POLLOUT), 0};
        auto const next = began + std::chrono::duration_cast<bench::Span>(
                                      std::chrono::duration<double>(static_cast<double>(said) / std::max(flow.rate, 1.0)));
        auto const until = flow.rate > 0 ? std::max(next - now(), bench::Span{0}) : bench::Span{patience};
        timespec const timeout{std::chrono::duration_cast<std::chrono::seconds>(until).count(), (until % std::chrono::seconds(1)).count()};
        int const ready = ::ppoll(&waiting, 1, &timeout, nullptr);
        if (ready == 0 && flow.rate == 0)
            give_up(fmt::format("the gateway acknowledged {} of {} and then nothing", acknowledged, flow.messages));
        if (!(waiting.revents & (POLLIN | POLLHUP))) continue;
        ssize_t const n = ::recv(peer, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n == 0) give_up("the gateway closed the source's connection");
        if (n < 0) continue;
        auto const arrived = now();
        heard.append(chunk, static_cast<std::size_t>(n));
        std::size_t from = 0;
        for (std::size_t end; (end = heard.find('\n', from)) != std::string::npos; from = end + 1, ++acknowledged) {
            std::uint64_t const key = std::strtoull(heard.c_str() + from + std::strlen("ACK k-"), nullptr, 10);
            if (key != first + acknowledged) give_up("the gateway acknowledged " + heard.substr(from, end - from));
            source_ms.push_back(bench::milliseconds(arrived - sent[acknowledged]));
        }
        heard.erase(0, from);
    }
    double const source_s = bench::seconds(now() - began);
    if (!centre.wait_through(base + flow.messages)) give_up(fmt::format("central has {} of {}", centre.through() - base, flow.messages));
    double const all_s = bench::seconds(*centre.acknowledged(base + flow.messages) - began);
    std::vector<double> centre_ms;
    if (flow.rate > 0) std::this_thread::sleep_for(std::chrono::milliseconds(200));
    for (auto const& [key, seq] : centre.seqs()) {
        auto const word = centre.acknowledged(seq);
        if (word && key >= first && key - first < sent.size()) centre_ms.push_back(bench::milliseconds(*word - sent[key - first]));
    }
    if (flow.rate > 0 && centre_ms.size() < flow.messages)
        give_up(fmt::format("only {} of {} records were seen on their way", centre_ms.size(), flow.messages));
    fmt::print(
        "{{\"records\":{},\"seconds\":{:.3f},\"per_s\":{:.0f},\"source_per_s\":{:.0f},\"source_p50_ms\":{:.3f},\"source_p99_ms\":{:.3f},"
        "\"centre_p50_ms\":{:.3f},\"centre_p99_ms\":{:.3f}}}\n",
        flow.messages, all_s, static_cast<double>(flow.messages) / all_s, static_cast<double>(flow.messages) / source_s,
        bench::percentile(source_ms, 0.5), bench::percentile(source_ms, 0.99), bench::percentile(centre_ms, 0.5),
        bench::percentile(centre_ms, 0.99));
    ::close(peer);
}
}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> const args(argv + 1, argv + argc);
    auto const number = [&](std::size_t at) { return std::strtoull(args[at].c_str(), nullptr, 10); };
    mosquitto_lib_init();
    if (args.size() == 4 && args[0] == "plain") {
        plain(static_cast<int>(number(1)), number(2), number(3));
    } else if (args.size() == 9 && args[0] == "flow") {
        flow({static_cast<int>(number(1)), args[2], args[3], static_cast<int>(number(4)), number(5), number(6), number(7),
              std::atof(args[8].c_str())});
    } else {
        fmt::print(stderr,
                   "usage: bench_link plain BROKER_PORT MESSAGES BYTES\n       bench_link flow BROKER_PORT SITE GATEWAY SOURCE_PORT "
                   "MESSAGES BYTES WINDOW RATE\n");
        return 64;
    }
    return 0;
}
