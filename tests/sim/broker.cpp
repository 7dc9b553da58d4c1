#include "broker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>

namespace marrowlink::sim {
namespace {
using namespace std::chrono_literals;
constexpr auto connect_timeout = 10s;  // of a client that nobody answers
}  // namespace

// One TCP connection. Either end may believe in it longer than the other.
struct SimulatedUplink::Link {
    SimulatedUplink* client = nullptr;  // null once its program is gone
    Options options;
    bool open_at_client = false, at_broker = false;
    bool cut = false;     // nothing passes any more, and nobody is told
    bool closed = false;  // the client has heard of its end
    Clock::Instant last_to_broker{}, last_to_client{};
    std::size_t without_puback = 0;                    // publishes of this client
    std::size_t in_flight = 0;                         // messages to it without its PUBACK
    std::deque<std::shared_ptr<Message const>> queue;  // beyond those
    std::vector<std::shared_ptr<Message const>> arriving;
    bool flush_due = false;
};

bool topic_matches(std::string_view filter, std::string_view topic) {
    for (;;) {
        if (filter == "#") return true;
        auto const f = std::min(filter.find('/'), filter.size());
        auto const t = std::min(topic.find('/'), topic.size());
        if (filter.substr(0, f) != "+" && filter.substr(0, f) != topic.substr(0, t)) return false;
        if ((f == filter.size()) != (t == topic.size())) return false;
        if (f == filter.size()) return true;
        filter.remove_prefix(f + 1);
        topic.remove_prefix(t + 1);
    }
}

SimulatedUplink::SimulatedUplink(Broker& broker, Process& process, Options options)
    : broker_(broker), process_(process), options_(std::move(options)) {}

SimulatedUplink::~SimulatedUplink() { kill(false); }

void SimulatedUplink::open() {
    link_ = std::make_shared<Link>();
    link_->client = this;
    link_->options = options_;
    broker_.connect(link_);
}

void SimulatedUplink::close() {
    if (!link_ || link_->closed) return;
    auto const link = link_;
    broker_.to_broker(link, [&broker = broker_, link] { broker.end_at_broker(link); });
    broker_.end_at_client(link, LinkEnd::asked, "asked");
}

void SimulatedUplink::publish(std::uint64_t token, Message message) {
    if (!link_ || !link_->open_at_client) return;
    auto const link = link_;
    if (++link->without_puback > Broker::receive_maximum && link->without_puback == Broker::receive_maximum + 1)
        broker_.violations_.push_back(
            fmt::format("{} has more than {} publishes without PUBACK", options_.client_id, Broker::receive_maximum));
    broker_.to_broker(link, [&broker = broker_, link, token, kept = std::make_shared<Message const>(std::move(message))] {
        broker.received(link, token, kept);
    });
}

void SimulatedUplink::kill(bool silently) {
    if (!link_) return;
    auto const link = std::exchange(link_, nullptr);
    link->client = nullptr;
    link->closed = true;
    if (!link->at_broker && !link->open_at_client) return;
    if (silently)
        broker_.cut(link);
    else
        broker_.to_broker(link, [&broker = broker_, link] { broker.end_at_broker(link); });
}

// Bytes of one direction arrive in order.
Clock::Instant Broker::arrival(Clock::Instant& last) {
    auto const travel = std::chrono::microseconds(200 + dice_.below(5'000));
    last = std::max(last, timeline_.now() + travel);
    return last;
}

void Broker::to_broker(LinkPtr const& link, std::function<void()> what) {
    timeline_.at(arrival(link->last_to_broker), [link, what = std::move(what)] {
        if (!link->cut && link->at_broker) what();
    });
}

void Broker::to_client(LinkPtr const& link, std::function<void(UplinkListener&)> what) {
    timeline_.at(arrival(link->last_to_client), [link, what = std::move(what)] {
        if (link->cut || !link->client) return;
        boost::asio::post(link->client->process_.loop, [link, what] {
            if (!link->closed && link->client && link->client->link_ == link) what(*link->client->listener_);
        });
    });
}

void Broker::connect(LinkPtr const& link) {
    timeline_.at(arrival(link->last_to_broker), [this, link] { accept(link); });
}

void Broker::accept(LinkPtr const& link) {
    if (!link->client) return;
    if (isolated_[link->options.client_id]) {
        timeline_.after(connect_timeout, [this, link] { end_at_client(link, LinkEnd::refused, "The connection timed out."); });
        return;
    }
    if (!up_) return end_at_client(link, LinkEnd::refused, "Connection refused.");
    if (auto const other = link_of(link->options.client_id)) {
        end_at_client(other, LinkEnd::taken_over, "Another client uses this id.");
        end_at_broker(other);
    }
    link->at_broker = true;
    links_.push_back(link);
    to_client(link, [link](UplinkListener& listener) {
        link->open_at_client = true;
        listener.on_connected({receive_maximum, 0});
    });
    for (auto const& [topic, message] : retained_)
        for (std::string const& filter : link->options.subscriptions)
            if (topic_matches(filter, topic)) {
                Message copy = *message;
                copy.retain = true;
                offer(link, std::make_shared<Message const>(std::move(copy)));
                break;
            }
}

void Broker::received(LinkPtr const& link, std::uint64_t token, std::shared_ptr<Message const> message) {
    bool const is_state = message->topic.ends_with("/state");
    if (!is_state && dice_.one_in(habits.keeps_puback_one_in)) {
        if (dice_.one_in(2)) route(message);
        return;
    }
    std::uint8_t reason = 0;
    if (forbids && !is_state) {
        reason = 135;
    } else if (is_state || !dice_.one_in(habits.forgets_one_in)) {
        if (!route(message)) reason = 16;
    }
    to_client(link, [link, token, reason](UplinkListener& listener) {
        if (link->without_puback > 0) --link->without_puback;
        listener.on_puback(token, reason);
    });
}

bool Broker::route(std::shared_ptr<Message const> const& message) {
    if (message->retain) {
        if (message->payload.empty())
            retained_.erase(message->topic);
        else
            retained_[message->topic] = message;
    }
    auto copy = std::make_shared<Message>(*message);
    copy->retain = false;
    bool heard = false;
    for (LinkPtr const& link : std::list<LinkPtr>(links_)) {
        auto const& filters = link->options.subscriptions;
        if (std::none_of(filters.begin(), filters.end(), [&](std::string const& filter) { return topic_matches(filter, message->topic); }))
            continue;
        heard = true;
        offer(link, copy);
        if (dice_.one_in(habits.repeats_one_in)) offer(link, copy);
    }
    return heard;
}

void Broker::offer(LinkPtr const& link, std::shared_ptr<Message const> message) {
    if (link->in_flight < receive_maximum) return deliver(link, std::move(message));
    if (link->queue.size() >= queue_max) return;
    link->queue.push_back(std::move(message));
}

// What arrives together is one read of the client's socket.
void Broker::deliver(LinkPtr const& link, std::shared_ptr<Message const> message) {
    ++link->in_flight;
    link->arriving.push_back(std::move(message));
    if (std::exchange(link->flush_due, true)) return;
    timeline_.at(arrival(link->last_to_client), [this, link] { flush(link); });
}

void Broker::flush(LinkPtr const& link) {
    link->flush_due = false;
    auto const messages = std::exchange(link->arriving, {});
    if (link->cut || !link->client || !link->at_broker) return;
    boost::asio::post(link->client->process_.loop, [this, link, messages] {
        if (link->closed || !link->client || link->client->link_ != link) return;
        std::vector<Message> copies;
        copies.reserve(messages.size());
        for (auto const& message : messages) copies.push_back(*message);
        std::size_t const count = copies.size();
        to_broker(link, [this, link, count] {
            link->in_flight -= std::min(link->in_flight, count);
            while (!link->queue.empty() && link->in_flight < receive_maximum) {
                auto next = std::move(link->queue.front());
                link->queue.pop_front();
                deliver(link, std::move(next));
            }
        });
        link->client->listener_->on_messages(std::move(copies));
    });
}

void Broker::end_at_broker(LinkPtr const& link) {
    if (!std::exchange(link->at_broker, false)) return;
    links_.remove(link);
    link->queue.clear();
    if (up_ && !link->options.will.topic.empty()) route(std::make_shared<Message const>(link->options.will));
}

void Broker::end_at_client(LinkPtr const& link, LinkEnd end, std::string detail) {
    if (!link->client) return;
    boost::asio::post(link->client->process_.loop, [link, end, detail = std::move(detail)] {
        if (!link->client || std::exchange(link->closed, true)) return;
        link->open_at_client = false;
        link->client->listener_->on_closed(end, detail);
    });
}

void Broker::cut(LinkPtr const& link) {
    if (std::exchange(link->cut, true)) return;
    timeline_.after(link->options.keepalive * 3 / 2, [this, link] { end_at_broker(link); });
    timeline_.after(link->options.keepalive * 2, [this, link] { end_at_client(link, LinkEnd::lost, "No answer to a ping."); });
}

Broker::LinkPtr Broker::link_of(std::string const& client_id) const {
    for (LinkPtr const& link : links_)
        if (link->options.client_id == client_id) return link;
    return nullptr;
}

void Broker::stop() {
    up_ = false;
    for (LinkPtr const& link : std::exchange(links_, {})) {
        link->at_broker = false;
        link->queue.clear();
        if (!link->cut) end_at_client(link, LinkEnd::lost, "The broker closed the connection.");
    }
}

void Broker::start(bool forget_retained) {
    up_ = true;
    if (forget_retained) retained_.clear();
}

void Broker::drop(std::string const& client_id) {
    auto const link = link_of(client_id);
    if (!link) return;
    end_at_client(link, LinkEnd::lost, "The connection was reset.");
    end_at_broker(link);
}

void Broker::blackhole(std::string const& client_id) {
    if (auto const link = link_of(client_id)) cut(link);
}

void Broker::isolate(std::string const& client_id, bool yes) {
    isolated_[client_id] = yes;
    if (yes) blackhole(client_id);
}

}  // namespace marrowlink::sim
