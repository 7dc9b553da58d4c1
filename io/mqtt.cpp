#include "io/mqtt.hpp"

#include <fmt/format.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <future>
#include <thread>

namespace marrowlink {
namespace {
namespace asio = boost::asio;
using boost::system::error_code;

// DISCONNECT 4: the broker publishes the will although we leave in good order.
constexpr int disconnect_with_will = 0x04;
constexpr int taken_over_reason = 142;
// Mosquitto 2.0.11 sends no DISCONNECT 142 to whom it closes for another client with the same id (measured). So this many connections in a
// row that the broker accepted and closed again within this time, with no failed attempt between them, are taken for that. A broker that is
// restarted over and over refuses some attempts, which clears the count.
constexpr int cut_short_max = 5;
constexpr std::chrono::seconds cut_short_within{10};

struct PropertyList {
    mosquitto_property* list = nullptr;
    PropertyList() = default;
    PropertyList(PropertyList const&) = delete;
    PropertyList& operator=(PropertyList const&) = delete;
    ~PropertyList() { mosquitto_property_free_all(&list); }
};

void fill(PropertyList& properties, Message const& message) {
    if (!message.content_type.empty())
        mosquitto_property_add_string(&properties.list, MQTT_PROP_CONTENT_TYPE, message.content_type.c_str());
    for (auto const& [name, value] : message.properties)
        mosquitto_property_add_string_pair(&properties.list, MQTT_PROP_USER_PROPERTY, name.c_str(), value.c_str());
}

struct MosquittoDeleter {
    void operator()(mosquitto* handle) const { mosquitto_destroy(handle); }
};
}  // namespace

// Lives on two threads: what ends in `_on_loop` belongs to the loop, everything else to the mqtt thread; each posts to the other.
class MqttUplink::Link : public std::enable_shared_from_this<MqttUplink::Link> {
 public:
    Link(asio::any_io_executor loop, MqttOptions options)
        : options_(std::move(options)),
          loop_(std::move(loop)),
          work_(asio::make_work_guard(context_)),
          housekeeping_(context_),
          young_(context_) {
        static int const initialised = mosquitto_lib_init();
        static_cast<void>(initialised);
    }

    void start() {
        std::promise<void> ended;
        ended_on_loop_ = ended.get_future();
        // The thread keeps the link alive: when a blocking connect outlives the owner's patience, the thread is left to finish alone.
        std::thread([self = shared_from_this(), ended = std::move(ended)]() mutable {
            self->context_.run();
            self->drop_handle();
            ended.set_value();
        }).detach();
    }

    void stop_on_loop() {
        listener_on_loop_ = nullptr;
        asio::post(context_, [this] {
            if (handle_) mosquitto_disconnect_v5(handle_.get(), disconnect_with_will, nullptr);
            drop_handle();
            work_.reset();
        });
        ended_on_loop_.wait_for(std::chrono::seconds(2));
    }

    void listen_on_loop(UplinkListener* listener) { listener_on_loop_ = listener; }
    void open_on_loop() {
        asio::post(context_, [self = shared_from_this()] { self->open(); });
    }
    void close_on_loop() {
        asio::post(context_, [self = shared_from_this()] { self->close(); });
    }

    // Publishes of one turn of the loop cross to the thread together: one wake-up for many.
    void publish_on_loop(std::uint64_t token, Message message) {
        outgoing_on_loop_.emplace_back(token, std::move(message));
        if (outgoing_on_loop_.size() > 1) return;
        asio::post(loop_, [self = shared_from_this()] {
            asio::post(self->context_, [self, batch = std::exchange(self->outgoing_on_loop_, {})] { self->publish(batch); });
        });
    }

 private:
    using Outgoing = std::vector<std::pair<std::uint64_t, Message>>;
    struct Puback {
        std::uint64_t token;
        std::uint8_t reason;
    };

    void open() {
        drop_handle();
        closed_reported_ = false;
        detail_.clear();
        handle_.reset(mosquitto_new(options_.client_id.c_str(), true, this));
        if (!handle_) return report_closed(LinkEnd::refused, "The client id is not valid for MQTT.");
        mosquitto* const m = handle_.get();
        mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
        mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
        mosquitto_int_option(m, MOSQ_OPT_RECEIVE_MAXIMUM, options_.receive_maximum);
        if (!options_.username.empty()) mosquitto_username_pw_set(m, options_.username.c_str(), options_.password.c_str());
        if (auto error = prepare_tls()) return report_closed(LinkEnd::refused, *error);
        if (!options_.will.topic.empty()) {
            mosquitto_will_set_v5(m, options_.will.topic.c_str(), static_cast<int>(options_.will.payload.size()),
                                  options_.will.payload.data(), 1, options_.will.retain, nullptr);
        }
        set_callbacks();
        int const rc = mosquitto_connect_bind_v5(m, options_.host.c_str(), options_.port, options_.keepalive_s, nullptr, nullptr);
        if (rc != MOSQ_ERR_SUCCESS) {
            std::string const cause = rc == MOSQ_ERR_ERRNO ? std::string{strerror(errno)} : std::string{mosquitto_strerror(rc)};
            return report_closed(LinkEnd::refused, fmt::format("{}:{} did not accept the connection: {}{}", options_.host, options_.port,
                                                               cause, detail_.empty() ? "" : " (" + detail_ + ")"));
        }
        descriptor_.emplace(context_, mosquitto_socket(m));
        wait_readable();
        flush_writes();
        keep_house();
    }

    std::optional<std::string> prepare_tls() {
        if (!options_.tls) return std::nullopt;
        auto const text = [](std::string const& path) { return path.empty() ? nullptr : path.c_str(); };
        int const rc = mosquitto_tls_set(handle_.get(), text(options_.tls->ca), nullptr, text(options_.tls->certificate),
                                         text(options_.tls->key), nullptr);
        if (rc == MOSQ_ERR_SUCCESS) return std::nullopt;
        return fmt::format("The certificate files could not be used: {} (ca {}, certificate {}, key {}).", mosquitto_strerror(rc),
                           options_.tls->ca, options_.tls->certificate, options_.tls->key);
    }

    void set_callbacks() {
        mosquitto* const m = handle_.get();
        mosquitto_connect_v5_callback_set(m, [](mosquitto*, void* self, int reason, int, mosquitto_property const* properties) {
            static_cast<Link*>(self)->connected(reason, properties);
        });
        mosquitto_disconnect_v5_callback_set(
            m, [](mosquitto*, void* self, int reason, mosquitto_property const*) { static_cast<Link*>(self)->disconnected(reason); });
        mosquitto_publish_v5_callback_set(m, [](mosquitto*, void* self, int mid, int reason, mosquitto_property const*) {
            static_cast<Link*>(self)->acknowledged(mid, reason);
        });
        mosquitto_message_v5_callback_set(
            m, [](mosquitto*, void* self, mosquitto_message const* message, mosquitto_property const* properties) {
                static_cast<Link*>(self)->received(*message, properties);
            });
        mosquitto_log_callback_set(m, [](mosquitto*, void* self, int level, char const* text) {
            if (level == MOSQ_LOG_ERR) static_cast<Link*>(self)->detail_ = text;
        });
    }

    void connected(int reason, mosquitto_property const* properties) {
        if (reason != 0) {
            bool const forbidden =
                reason == MQTT_RC_NOT_AUTHORIZED || reason == MQTT_RC_BAD_USERNAME_OR_PASSWORD || reason == MQTT_RC_BANNED;
            end_ = forbidden ? LinkEnd::not_authorised : LinkEnd::refused;
            detail_ = fmt::format("{}:{} refused the connection: {} ({}).", options_.host, options_.port, mosquitto_reason_string(reason),
                                  reason);
            return;  // the disconnect callback follows
        }
        established_ = true;
        young_.expires_after(cut_short_within);
        young_.async_wait([self = shared_from_this(), generation = generation_](error_code error) {
            if (!error && generation == self->generation_) self->cut_short_ = 0;
        });
        Connected told;
        uint16_t receive_maximum = 0;
        if (mosquitto_property_read_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM, &receive_maximum, false))
            told.receive_maximum = receive_maximum;
        mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &told.packet_bytes_max, false);
        // Without our own publishes: the centre's subscription would match its own acknowledgements.
        for (std::string const& topic : options_.subscriptions)
            mosquitto_subscribe_v5(handle_.get(), nullptr, topic.c_str(), 1, MQTT_SUB_OPT_NO_LOCAL, nullptr);
        to_listener([told](UplinkListener& listener) { listener.on_connected(told); });
    }

    void disconnected(int reason) {
        if (reason == taken_over_reason) {
            end_ = LinkEnd::taken_over;
            detail_ = fmt::format("Another client connected to {} with the id {}.", options_.host, options_.client_id);
        } else if (reason == MOSQ_ERR_CONN_LOST || reason == MOSQ_ERR_ERRNO) {  // the latter when our own write finds it out first
            closed_by_broker();
        } else if (detail_.empty()) {
            detail_ = reason < 128 ? mosquitto_strerror(reason) : mosquitto_reason_string(reason);
        }
        ended_ = true;
    }

    void closed_by_broker() {
        if (detail_.empty()) detail_ = "The broker closed the connection.";
        if (ended_ || !established_ || ++cut_short_ < cut_short_max) return;
        end_ = LinkEnd::taken_over;
        detail_ = fmt::format("{} accepted {} connections in a row and closed each within {} s: most likely another client has the id {}.",
                              options_.host, cut_short_, cut_short_within.count(), options_.client_id);
    }

    void acknowledged(int mid, int reason) {
        auto const found = std::find_if(in_flight_.begin(), in_flight_.end(), [mid](auto const& entry) { return entry.first == mid; });
        if (found == in_flight_.end()) return;
        pubacks_.push_back({found->second, static_cast<std::uint8_t>(reason)});
        in_flight_.erase(found);
    }

    void received(mosquitto_message const& from, mosquitto_property const* properties) {
        Message message;
        message.topic = from.topic;
        message.payload.assign(static_cast<char const*>(from.payload), static_cast<std::size_t>(from.payloadlen));
        message.retain = from.retain;
        for (auto const* p = properties; p; p = mosquitto_property_next(p)) {
            int const id = mosquitto_property_identifier(p);
            char* name = nullptr;
            char* value = nullptr;
            if (id == MQTT_PROP_USER_PROPERTY && mosquitto_property_read_string_pair(p, id, &name, &value, false)) {
                message.properties.emplace_back(name, value);
            } else if (id == MQTT_PROP_CONTENT_TYPE && mosquitto_property_read_string(p, id, &value, false)) {
                message.content_type = value;
            }
            free(name);
            free(value);
        }
        messages_.push_back(std::move(message));
    }

    void publish(Outgoing const& batch) {
        if (batch.size() > 1) set_tcp(TCP_CORK, 1);
        for (auto const& [token, message] : batch) {
            if (!handle_ || ended_) return;  // on_closed tells the listener; what is here was never sent and is nobody's loss
            PropertyList properties;
            fill(properties, message);
            int mid = 0;
            int const rc = mosquitto_publish_v5(handle_.get(), &mid, message.topic.c_str(), static_cast<int>(message.payload.size()),
                                                message.payload.data(), 1, message.retain, properties.list);
            if (rc == MOSQ_ERR_SUCCESS || rc == MOSQ_ERR_NO_CONN) {
                in_flight_.emplace_back(mid, token);
            } else {
                bool const closed = rc == MOSQ_ERR_CONN_LOST || (rc == MOSQ_ERR_ERRNO && (errno == EPIPE || errno == ECONNRESET));
                if (closed)
                    closed_by_broker();
                else
                    detail_ = fmt::format("A record could not be handed to the broker: {}.", mosquitto_strerror(rc));
                ended_ = true;
            }
        }
        // The library writes each packet by itself; together they travel, and wake the broker, once.
        if (batch.size() > 1) set_tcp(TCP_CORK, 0);
        flush_writes();
    }

    void set_tcp(int option, int value) {
        if (descriptor_) ::setsockopt(descriptor_->native_handle(), IPPROTO_TCP, option, &value, sizeof value);
    }

    void wait_readable() {
        descriptor_->async_wait(asio::posix::stream_descriptor::wait_read,
                                [self = shared_from_this(), generation = generation_](error_code error) {
                                    if (error || generation != self->generation_) return;
                                    self->read();
                                });
    }

    void read() {
        int rc = MOSQ_ERR_SUCCESS;
        bool drained = false;
        // A bounded number of packets a turn, so that publishes waiting in the queue are not starved.
        for (int packets = 0; packets < 64 && rc == MOSQ_ERR_SUCCESS && !ended_ && !drained; ++packets) {
            errno = 0;
            rc = mosquitto_loop_read(handle_.get(), 1);
            drained = errno == EAGAIN || errno == EWOULDBLOCK;
        }
        // With nothing to send that could carry it, the acknowledgement of these bytes waits for tens of milliseconds, and a broker without
        // TCP_NODELAY (mosquitto, unless told) holds its next packet back until it has it.
        if (in_flight_.empty()) set_tcp(TCP_QUICKACK, 1);
        hand_over();
        if (rc != MOSQ_ERR_SUCCESS) ended_ = true;
        if (finish_if_ended()) return;
        flush_writes();
        if (finish_if_ended()) return;
        if (drained && !decrypted_waiting()) return wait_readable();
        asio::post(context_, [self = shared_from_this(), generation = generation_] {
            if (generation == self->generation_) self->read();
        });
    }

    // Bytes that left the socket already, so that it will not say that it is readable.
    bool decrypted_waiting() {
        auto* const ssl = static_cast<SSL*>(mosquitto_ssl_get(handle_.get()));
        return ssl && SSL_pending(ssl) > 0;
    }

    void flush_writes() {
        if (!handle_ || ended_ || writing_ || !descriptor_) return void(finish_if_ended());
        if (mosquitto_want_write(handle_.get()) && mosquitto_loop_write(handle_.get(), 1) != MOSQ_ERR_SUCCESS) ended_ = true;
        hand_over();
        if (finish_if_ended()) return;
        if (!mosquitto_want_write(handle_.get())) return;
        writing_ = true;
        descriptor_->async_wait(asio::posix::stream_descriptor::wait_write,
                                [self = shared_from_this(), generation = generation_](error_code error) {
                                    if (error || generation != self->generation_) return;
                                    self->writing_ = false;
                                    self->flush_writes();
                                });
    }

    // Pings and the detection of a silent broker; the library needs to be asked a few times per keepalive, not more.
    void keep_house() {
        housekeeping_.expires_after(std::chrono::milliseconds(options_.keepalive_s * 1000 / 3));
        housekeeping_.async_wait([self = shared_from_this(), generation = generation_](error_code error) {
            if (error || generation != self->generation_) return;
            if (mosquitto_loop_misc(self->handle_.get()) != MOSQ_ERR_SUCCESS) {
                if (self->detail_.empty()) self->detail_ = "The broker has not answered for longer than the keepalive.";
                self->ended_ = true;
            }
            if (self->finish_if_ended()) return;
            self->flush_writes();
            self->keep_house();
        });
    }

    void hand_over() {
        if (!pubacks_.empty()) {
            to_listener([pubacks = std::exchange(pubacks_, {})](UplinkListener& listener) {
                for (Puback const& puback : pubacks) listener.on_puback(puback.token, puback.reason);
            });
        }
        if (!messages_.empty()) {
            to_listener(
                [messages = std::exchange(messages_, {})](UplinkListener& listener) mutable { listener.on_messages(std::move(messages)); });
        }
    }

    void close() {
        if (!handle_) return;
        mosquitto_disconnect_v5(handle_.get(), disconnect_with_will, nullptr);
        end_ = LinkEnd::asked;
        ended_ = true;
        finish_if_ended();
    }

    bool finish_if_ended() {
        if (!ended_) return false;
        LinkEnd const end = end_;
        std::string const detail = detail_;
        drop_handle();
        report_closed(end, detail);
        return true;
    }

    void drop_handle() {
        ++generation_;
        housekeeping_.cancel();
        young_.cancel();
        if (descriptor_) descriptor_->release();  // the library closes its own socket
        descriptor_.reset();
        handle_.reset();
        in_flight_.clear();
        pubacks_.clear();
        messages_.clear();
        writing_ = false;
        ended_ = false;
        end_ = LinkEnd::lost;
    }

    void report_closed(LinkEnd end, std::string const& detail) {
        if (std::exchange(closed_reported_, true)) return;
        if (!std::exchange(established_, false)) cut_short_ = 0;
        drop_handle();
        to_listener([end, detail](UplinkListener& listener) { listener.on_closed(end, detail); });
    }

    template <class Call>
    void to_listener(Call call) {
        asio::post(loop_, [self = shared_from_this(), call = std::move(call)]() mutable {
            if (self->listener_on_loop_) call(*self->listener_on_loop_);
        });
    }

    // Constant after construction.
    MqttOptions options_;
    asio::any_io_executor loop_;

    // The loop's.
    UplinkListener* listener_on_loop_ = nullptr;
    Outgoing outgoing_on_loop_;
    std::future<void> ended_on_loop_;

    // The mqtt thread's.
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::steady_timer housekeeping_;
    asio::steady_timer young_;  // runs while the connection is too new to be a good one
    std::optional<asio::posix::stream_descriptor> descriptor_;
    std::unique_ptr<mosquitto, MosquittoDeleter> handle_;
    std::vector<std::pair<int, std::uint64_t>> in_flight_;  // mid, token; at most the broker's receive maximum
    std::vector<Puback> pubacks_;
    std::vector<Message> messages_;
    std::string detail_;
    LinkEnd end_ = LinkEnd::lost;
    std::uint64_t generation_ = 0;  // handlers of an earlier connection recognise themselves as late
    int cut_short_ = 0;
    bool established_ = false;
    bool ended_ = false;
    bool writing_ = false;
    bool closed_reported_ = true;
};

MqttUplink::MqttUplink(asio::any_io_executor loop, MqttOptions options)
    : link_(std::make_shared<Link>(std::move(loop), std::move(options))) {
    link_->start();
}
MqttUplink::~MqttUplink() { link_->stop_on_loop(); }
void MqttUplink::listen(UplinkListener* listener) { link_->listen_on_loop(listener); }
void MqttUplink::open() { link_->open_on_loop(); }
void MqttUplink::close() { link_->close_on_loop(); }
void MqttUplink::publish(std::uint64_t token, Message message) { link_->publish_on_loop(token, std::move(message)); }

}  // namespace marrowlink
