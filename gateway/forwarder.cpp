#include "gateway/forwarder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "core/log.hpp"
#include "core/version.hpp"

namespace marrowlink {
namespace {
namespace asio = boost::asio;
constexpr std::size_t fetch_records = 128;
constexpr std::size_t fetch_bytes = 1u << 20;
constexpr std::chrono::seconds fetch_retry{1};
constexpr std::uint8_t reason_nobody_subscribed = 16;
constexpr std::uint8_t reason_not_authorised = 135;

Message message_of(Record const& record, std::string_view site, std::string_view gateway) {
    Message message;
    std::string_view source = record.attribute("source");
    source.remove_prefix(std::min(source.rfind('/') + 1, source.size()));
    message.topic = topic::record(site, gateway, source, record.type());
    message.payload = record.data;
    message.properties = decode_attributes(record.attributes).value_or(Attributes{});
    std::erase_if(message.properties, [&](auto& property) {
        if (property.first != "datacontenttype") return false;
        message.content_type = std::move(property.second);
        return true;
    });
    message.properties.emplace_back("chain", hex(record.chain));
    return message;
}
}  // namespace

std::vector<std::string> gateway_subscriptions(std::string_view site, std::string_view gateway) {
    return {topic::acknowledgement(site, gateway, "+"), topic::answer(site, gateway), std::string{topic::centre_state}};
}

Message gateway_will(std::string_view site, std::string_view gateway) {
    return Message{topic::gateway_state(site, gateway), R"({"state":"offline"})", "", {}, true};
}

std::string_view to_string(LinkState state) {
    constexpr std::string_view names[] = {"connecting", "connected", "centre_away",      "refused",  "not_authorised",
                                          "taken_over", "stalled",   "centre_disagrees", "rehearsal"};
    return names[static_cast<int>(state)];
}

Forwarder::Forwarder(Uplink& uplink, Clock& clock, Entropy& entropy, asio::any_io_executor loop, std::string site, std::string gateway,
                     ForwarderLimits limits, ForwarderListener& listener)
    : uplink_(uplink),
      clock_(clock),
      entropy_(entropy),
      loop_(std::move(loop)),
      site_(std::move(site)),
      gateway_(std::move(gateway)),
      limits_(limits),
      listener_(listener) {}

Forwarder::~Forwarder() {
    *alive_ = false;
    uplink_.listen(nullptr);
}

void Forwarder::add(RecordSource& source, bool live) {
    auto lane = std::make_shared<Lane>();
    lane->source = &source;
    lane->live = live;
    lane->floor = source.acknowledged();
    lane->cursor = lane->floor + 1;
    auto const before = live ? lanes_.end() : std::find_if(lanes_.begin(), lanes_.end(), [](auto const& other) { return other->live; });
    // Central learns of the stream by a birth, so that it says how far it has it.
    if (connected_) births_.push_back({source.stream(), live});
    std::erase_if(ended_, [&](Ended const& ended) { return ended.stream == source.stream(); });
    lanes_.insert(before, std::move(lane));
    pump();
}

void Forwarder::remove(RecordSource& source) {
    auto const found = std::find_if(lanes_.begin(), lanes_.end(), [&](auto const& lane) { return lane->source == &source; });
    if (found == lanes_.end()) return;
    go_back(**found, 0);
    // Their PUBACKs still come, and until then they take their places in the window.
    for (auto& [token, flight] : flights_)
        if (flight.lane == *found) flight.lane = nullptr;
    (*found)->source = nullptr;
    bool const disagreed = !(*found)->disagreement.empty();
    lanes_.erase(found);
    if (disagreed && connected_ && centre_online_ && !stalling_) set_state(LinkState::connected, "");
    pump();
}

void Forwarder::remember(std::string const& stream, std::uint64_t acknowledged) {
    if (acknowledged == 0) return;
    ended_.push_back({stream, acknowledged});
    if (ended_.size() > ended_streams_max) ended_.pop_front();
    if (!connected_) return;
    births_.push_back({stream, false});
    pump();
}

void Forwarder::appended() { pump(); }

void Forwarder::on_connected(Connected const& connected) {
    if (held_) return uplink_.close();  // the attempt was under way when the link was closed on purpose
    connected_ = true;
    connected_at_ = clock_.now();
    unheard_ = false;
    centre_online_ = false;  // until the retained birth says otherwise
    receive_maximum_ = std::max<std::uint32_t>(connected.receive_maximum, 1);
    flights_.clear();
    go_back_all();
    last_progress_ = clock_.now();
    if (!stalling_) set_state(LinkState::centre_away, "The broker is reached; the centre has not said that it is there.");
    births_.clear();
    for (Ended const& ended : ended_) births_.push_back({ended.stream, false});
    for (LanePtr const& lane : lanes_) births_.push_back({lane->source->stream(), lane->live});
    publish_births();
}

// As many as the broker's window has room for.
void Forwarder::publish_births() {
    for (; !births_.empty() && flights_.size() < receive_maximum_; births_.pop_front()) {
        Message birth;
        birth.topic = topic::gateway_state(site_, gateway_);
        json::object data{{"state", "online"}, {"stream", births_.front().stream}, {"version", version}};
        birth.payload = json::serialize(data);
        birth.content_type = "application/json";
        birth.retain = births_.front().live;  // the others are announced too, but only the living one is this gateway's state
        std::uint64_t const token = next_token_++;
        flights_[token] = Flight{nullptr, 0};
        uplink_.publish(token, std::move(birth));
        watch_for_stall();
    }
}

void Forwarder::on_closed(LinkEnd end, std::string const& detail) {
    // A connection that held was a good one, whether or not there was anything to acknowledge.
    if (std::exchange(connected_, false) && clock_.now() - connected_at_ > limits_.backoff_last) backoff_ = {};
    centre_online_ = false;
    flights_.clear();
    go_back_all();
    opened_ = false;
    if (stopped_ || held_) return;
    switch (end) {
        case LinkEnd::refused:
            stalling_ = false;
            set_state(LinkState::refused, detail);
            break;
        case LinkEnd::lost: set_state(stalling_ ? LinkState::stalled : LinkState::refused, detail); break;
        case LinkEnd::not_authorised: set_state(LinkState::not_authorised, detail); break;
        case LinkEnd::taken_over:
            // Taking the id back at once would only make the other gateway do the same.
            backoff_ = limits_.backoff_last;
            set_state(LinkState::taken_over, detail);
            break;
        case LinkEnd::asked: break;
    }
    schedule_open();
}

void Forwarder::go_back(Lane& lane, std::uint64_t through) {
    for (Sent const& sent : lane.unacknowledged) {
        --unacknowledged_records_;
        unacknowledged_bytes_ -= sent.bytes;
    }
    lane.unacknowledged.clear();
    lane.ready.clear();
    lane.cursor = through + 1;
    ++lane.epoch;
}

void Forwarder::go_back_all() {
    for (auto const& lane : lanes_) go_back(*lane, lane->floor);
}

void Forwarder::pump() {
    if (!connected_ || held_) return;
    publish_births();
    if (!centre_online_) return;
    for (auto const& lane : lanes_) {
        if (!pump_lane(lane)) return;
    }
}

// False when a window is full or its records are still on their way here: the lanes behind wait.
bool Forwarder::pump_lane(LanePtr const& pointer) {
    Lane& lane = *pointer;
    if (!lane.disagreement.empty()) return true;
    for (;;) {
        // The next ones are fetched while the last ones are sent: the store may be in the middle of a commit.
        if (lane.ready.size() < fetch_records / 2 && lane.cursor <= lane.source->appended()) fetch(pointer);
        if (lane.ready.empty()) return lane.cursor > lane.source->appended();
        if (flights_.size() >= receive_maximum_) return false;
        // One record always goes, however small the window: no limit may stop the stream for ever.
        bool const too_many_bytes = unacknowledged_records_ > 0 && unacknowledged_bytes_ + lane.ready.front().bytes() > limits_.bytes;
        if (unacknowledged_records_ >= limits_.records || too_many_bytes) return false;
        Record record = std::move(lane.ready.front());
        lane.ready.pop_front();
        send(pointer, std::move(record));
    }
}

void Forwarder::send(LanePtr const& pointer, Record record) {
    Lane& lane = *pointer;
    bool const was_idle = !in_flight();
    std::uint64_t const token = next_token_++;
    std::size_t const bytes = record.bytes();
    lane.unacknowledged.push_back({record.seq, bytes, record.chain, clock_.now()});
    ++unacknowledged_records_;
    unacknowledged_bytes_ += bytes;
    ++status_.published;
    if (record.seq <= lane.highest_sent) ++status_.repeated;
    lane.highest_sent = std::max(lane.highest_sent, record.seq);
    flights_[token] = Flight{pointer, record.seq};
    uplink_.publish(token, message_of(record, site_, gateway_));
    if (was_idle) last_progress_ = clock_.now();
    watch_for_stall();
}

void Forwarder::fetch(LanePtr const& pointer) {
    if (std::exchange(pointer->fetching, true)) return;
    asio::co_spawn(
        loop_,
        [this, alive = alive_, lane = pointer, source = pointer->source, epoch = pointer->epoch, from = pointer->cursor]() -> Task<void> {
            auto records = co_await source->peek(from, fetch_records, fetch_bytes);
            if (!*alive || !lane->source) co_return;
            if (!records || records->empty()) {
                // A damaged source tells its owner itself; a locked one is asked again.
                co_await clock_.sleep_for(fetch_retry);
                if (!*alive || !lane->source) co_return;
                lane->fetching = false;
                pump();
                co_return;
            }
            lane->fetching = false;
            if (epoch == lane->epoch) {
                lane->cursor = records->back().seq + 1;
                for (Record& record : *records) lane->ready.push_back(std::move(record));
            }
            pump();
        },
        asio::detached);
}

void Forwarder::on_puback(std::uint64_t token, std::uint8_t reason) {
    auto const found = flights_.find(token);
    if (found == flights_.end()) return;
    Flight const flight = found->second;
    flights_.erase(found);
    if (reason == reason_not_authorised) {
        set_state(LinkState::not_authorised,
                  "The broker took the connection but refuses this gateway's records (reason 135): its access list must allow them.");
        return;
    }
    if (!flight.lane) return pump();
    if (reason == reason_nobody_subscribed) {
        // Should the centre be there after all, its retained word is heard again at the next connection.
        unheard_ = true;
        return centre_is(false);
    }
    if (flight.lane->live) status_.pubacked = std::max(status_.pubacked, flight.seq);
    progress();
    pump();
}

void Forwarder::on_messages(std::vector<Message> messages) {
    std::string const acknowledgements = topic::acknowledgement(site_, gateway_, "");
    std::string const answers = topic::answer(site_, gateway_);
    for (Message const& message : messages) {
        auto const parsed = json::parse(message.payload, message.topic);
        if (!parsed || !parsed->is_object()) {
            log::warn("link.message_refused", {{"topic", message.topic}, {"reason", parsed ? "not an object" : parsed.error().message}});
            continue;
        }
        json::object const& body = parsed->get_object();
        if (message.topic == topic::centre_state) {
            centre_is(json::string_of(body, "state") == "online");
        } else if (message.topic == answers) {
            listener_.on_answer(body);
        } else if (message.topic.starts_with(acknowledgements)) {
            std::string_view const stream = std::string_view{message.topic}.substr(acknowledgements.size());
            Digest chain{};
            auto const* const through = body.if_contains("through");
            if (!through || !through->is_int64() || through->get_int64() < 0 || !digest_from_hex(json::string_of(body, "chain"), chain)) {
                log::warn("link.acknowledgement_refused", {{"stream", stream}, {"found", message.payload}});
                continue;
            }
            auto const count = static_cast<std::uint64_t>(through->get_int64());
            auto const lane = std::find_if(lanes_.begin(), lanes_.end(), [&](auto const& one) { return one->source->stream() == stream; });
            if (lane != lanes_.end()) {
                acknowledge(*lane, count, chain, message.retain);
                continue;
            }
            auto const ended = std::find_if(ended_.begin(), ended_.end(), [&](Ended const& one) { return one.stream == stream; });
            if (ended != ended_.end() && count < ended->acknowledged && !message.retain) listener_.on_forgotten(ended->stream, count);
        }
    }
}

void Forwarder::centre_is(bool online) {
    if (!online) {
        if (std::exchange(centre_online_, false)) {
            go_back_all();
            last_progress_ = clock_.now();
        }
        set_state(LinkState::centre_away, "The broker is there, the centre is not: records are kept here until it comes back.");
        return;
    }
    unheard_ = false;
    // Said again means started again: what the broker held for the old session is gone.
    centre_online_ = true;
    go_back_all();
    if (!stalling_) set_state(LinkState::connected, "");
    pump();
}

void Forwarder::progress() { last_progress_ = clock_.now(); }

std::chrono::milliseconds Forwarder::stall_time() const { return std::max(limits_.stall, 4 * window_time_); }

void Forwarder::watch_for_stall() {
    if (std::exchange(watching_, true)) return;
    asio::co_spawn(
        loop_,
        [this, alive = alive_]() -> Task<void> {
            while (connected_ && !held_ && (in_flight() || unheard_)) {
                auto const due = last_progress_ + stall_time();
                if (clock_.now() >= due) {
                    if (in_flight()) {
                        stalling_ = true;
                        if (status_.state != LinkState::not_authorised)
                            set_state(LinkState::stalled,
                                      fmt::format("{} records were sent and neither the broker nor the centre has answered for {} s.",
                                                  unacknowledged_records_, stall_time().count() / 1000));
                    }
                    uplink_.close();
                    break;
                }
                co_await clock_.sleep_until(due);
                if (!*alive) co_return;
            }
            watching_ = false;
        },
        asio::detached);
}

void Forwarder::set_state(LinkState state, std::string detail) {
    // What still comes from the connection that is being closed says nothing about the link any more.
    if (held_) {
        state = LinkState::rehearsal;
        detail = held_why_;
    }
    // A disagreement outlives reconnections: only an acknowledgement that fits, or a person, ends it.
    auto const disagreeing = std::find_if(lanes_.begin(), lanes_.end(), [](auto const& lane) { return !lane->disagreement.empty(); });
    if (state == LinkState::connected && disagreeing != lanes_.end()) {
        state = LinkState::centre_disagrees;
        detail = (*disagreeing)->disagreement;
    }
    bool const changed = state != status_.state;
    status_.state = state;
    status_.detail = std::move(detail);
    if (changed) {
        bool const bad = state == LinkState::not_authorised || state == LinkState::taken_over || state == LinkState::centre_disagrees;
        bool const meant = state == LinkState::connected || state == LinkState::rehearsal;
        (bad ? log::error : meant ? log::info : log::warn)("link.state_changed", {{"state", to_string(state)}, {"detail", status_.detail}});
    }
    listener_.on_link(status_);
}

}  // namespace marrowlink
