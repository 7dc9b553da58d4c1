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

std::string_view to_string(LinkState state) {
    constexpr std::string_view names[] = {"connecting", "connected",  "centre_away", "refused",
                                          "not_authorised", "taken_over", "stalled",     "centre_disagrees"};
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

void Forwarder::start() {
    uplink_.listen(this);
    open();
}

void Forwarder::stop() {
    stopped_ = true;
    uplink_.close();
}

void Forwarder::reconnect_now() {
    backoff_ = {};
    if (connected_) uplink_.close();
}

void Forwarder::add(RecordSource& source, bool live) {
    auto lane = std::make_unique<Lane>();
    lane->source = &source;
    lane->live = live;
    lane->floor = source.acknowledged();
    lane->cursor = lane->floor + 1;
    auto const before = live ? lanes_.end() : std::find_if(lanes_.begin(), lanes_.end(), [](auto const& other) { return other->live; });
    lanes_.insert(before, std::move(lane));
    // Central learns of the stream by a birth, so that it says how far it has it.
    if (connected_) publish_birth();
    pump();
}

void Forwarder::remove(RecordSource& source) {
    auto const found = std::find_if(lanes_.begin(), lanes_.end(), [&](auto const& lane) { return lane->source == &source; });
    if (found == lanes_.end()) return;
    go_back(**found, 0);
    std::erase_if(flights_, [&](auto const& flight) { return flight.second.lane == found->get(); });
    lanes_.erase(found);
    pump();
}

void Forwarder::appended() { pump(); }

void Forwarder::open() {
    set_state(status_.state == LinkState::connecting ? LinkState::connecting : status_.state, status_.detail);
    uplink_.open();
}

void Forwarder::on_connected(Connected const& connected) {
    connected_ = true;
    centre_online_ = false;  // until the retained birth says otherwise
    receive_maximum_ = std::max<std::uint32_t>(connected.receive_maximum, 1);
    flights_.clear();
    go_back_all();
    last_progress_ = clock_.now();
    if (!stalling_) set_state(LinkState::centre_away, "The broker is reached; the centre has not said that it is there.");
    publish_birth();
}

void Forwarder::publish_birth() {
    for (auto const& lane : lanes_) {
        Message birth;
        birth.topic = topic::gateway_state(site_, gateway_);
        json::object data{{"state", "online"}, {"stream", lane->source->stream()}, {"version", version}};
        birth.payload = json::serialize(data);
        birth.content_type = "application/json";
        birth.retain = lane->live;  // salvaged streams are announced, but only the living one is this gateway's state
        birth_token_ = next_token_++;
        uplink_.publish(birth_token_, std::move(birth));
        flights_[birth_token_] = Flight{nullptr, 0};
    }
}

void Forwarder::on_closed(LinkEnd end, std::string const& detail) {
    connected_ = false;
    centre_online_ = false;
    flights_.clear();
    go_back_all();
    if (stopped_) return;
    switch (end) {
        case LinkEnd::refused: set_state(stalling_ ? LinkState::stalled : LinkState::refused, detail); break;
        case LinkEnd::lost: set_state(stalling_ ? LinkState::stalled : LinkState::refused, detail); break;
        case LinkEnd::not_authorised: set_state(LinkState::not_authorised, detail); break;
        case LinkEnd::taken_over: set_state(LinkState::taken_over, detail); break;
        case LinkEnd::asked: break;
    }
    schedule_open();
}

void Forwarder::schedule_open() {
    if (open_scheduled_) return;
    open_scheduled_ = true;
    backoff_ = std::clamp(backoff_ * 2, limits_.backoff_first, limits_.backoff_last);
    // Half fixed, half random: after a broker's restart the gateways of all sites must not come back in the same instant.
    std::uint8_t dice = 0;
    entropy_.fill(std::as_writable_bytes(std::span{&dice, 1}));
    auto const wait = backoff_ / 2 + backoff_ * dice / 510;
    asio::co_spawn(
        loop_,
        [this, alive = alive_, wait]() -> Task<void> {
            co_await clock_.sleep_for(std::chrono::duration_cast<std::chrono::milliseconds>(wait));
            if (!*alive) co_return;
            open_scheduled_ = false;
            if (!stopped_) open();
        },
        asio::detached);
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
    if (!connected_ || !centre_online_) return;
    for (auto const& lane : lanes_) {
        if (!pump_lane(*lane)) return;
    }
}

// False when a window is full: the lanes behind wait.
bool Forwarder::pump_lane(Lane& lane) {
    if (lane.disagrees) return true;
    while (!lane.ready.empty()) {
        if (flights_.size() >= receive_maximum_) return false;
        if (unacknowledged_records_ >= limits_.records || unacknowledged_bytes_ >= limits_.bytes) return false;
        Record record = std::move(lane.ready.front());
        lane.ready.pop_front();
        send(lane, std::move(record));
    }
    if (lane.cursor <= lane.source->appended()) {
        fetch(lane);
        return false;  // its turn comes first when the records are here
    }
    return true;
}

void Forwarder::send(Lane& lane, Record record) {
    bool const was_idle = !in_flight();
    std::uint64_t const token = next_token_++;
    std::size_t const bytes = record.bytes();
    lane.unacknowledged.push_back({record.seq, bytes, record.chain, clock_.now()});
    ++unacknowledged_records_;
    unacknowledged_bytes_ += bytes;
    ++status_.published;
    if (record.seq <= lane.highest_sent) ++status_.repeated;
    lane.highest_sent = std::max(lane.highest_sent, record.seq);
    flights_[token] = Flight{&lane, record.seq};
    uplink_.publish(token, message_of(record, site_, gateway_));
    if (was_idle) {
        last_progress_ = clock_.now();
        watch_for_stall();
    }
}

void Forwarder::fetch(Lane& lane) {
    if (lane.fetching) return;
    lane.fetching = true;
    asio::co_spawn(
        loop_,
        [this, alive = alive_, &lane, source = lane.source, epoch = lane.epoch, from = lane.cursor]() -> Task<void> {
            auto records = co_await source->peek(from, fetch_records, fetch_bytes);
            if (!*alive || std::none_of(lanes_.begin(), lanes_.end(), [&](auto const& other) { return other.get() == &lane; })) co_return;
            lane.fetching = false;
            if (epoch != lane.epoch) {
                pump();
                co_return;
            }
            if (!records || records->empty()) co_return;  // a damaged source tells its owner itself
            lane.cursor = records->back().seq + 1;
            for (Record& record : *records) lane.ready.push_back(std::move(record));
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
        set_state(LinkState::not_authorised, "The broker took the connection but refuses this gateway's records (reason 135): its access list must allow them.");
        return;
    }
    if (!flight.lane) return;
    if (reason == reason_nobody_subscribed) return centre_is(false);
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
            for (auto const& lane : lanes_) {
                if (lane->source->stream() == stream) {
                    acknowledge(*lane, static_cast<std::uint64_t>(through->get_int64()), chain, message.retain);
                    break;
                }
            }
        }
    }
}

void Forwarder::centre_is(bool online) {
    if (!online) {
        centre_online_ = false;
        set_state(LinkState::centre_away, "The broker is there, the centre is not: records are kept here until it comes back.");
        return;
    }
    // Said again means started again: what the broker held for the old session is gone.
    centre_online_ = true;
    go_back_all();
    if (!stalling_) set_state(LinkState::connected, "");
    pump();
}

void Forwarder::acknowledge(Lane& lane, std::uint64_t through, Digest const& chain, bool retained) {
    auto const sent = std::find_if(lane.unacknowledged.begin(), lane.unacknowledged.end(), [&](Sent const& s) { return s.seq == through; });
    if (sent != lane.unacknowledged.end()) {
        window_time_ = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - sent->at);
        return judge(lane, through, chain, retained, sent->chain);
    }
    if (through > lane.source->appended()) return judge(lane, through, chain, retained, std::nullopt);
    asio::co_spawn(
        loop_,
        [this, alive = alive_, &lane, source = lane.source, through, chain, retained]() -> Task<void> {
            auto const own = co_await source->chain_at(through);
            if (!*alive || std::none_of(lanes_.begin(), lanes_.end(), [&](auto const& other) { return other.get() == &lane; })) co_return;
            if (own) judge(lane, through, chain, retained, *own);
        },
        asio::detached);
}

void Forwarder::judge(Lane& lane, std::uint64_t through, Digest const& chain, bool retained, std::optional<Digest> own) {
    if (!own) {
        if (through > lane.source->appended())
            return disagree(lane, through, fmt::format("central has {} records of this stream, this gateway has written {}", through, lane.source->appended()));
        if (retained || through >= lane.floor) return;
        // A centre restored from an older backup asks for what is no longer kept.
        status_.forgotten = lane.source->first_kept() - through - 1;
        log::error("link.records_forgotten", {{"stream", lane.source->stream()}, {"central_has", through}, {"kept_from", lane.source->first_kept()},
                                              {"count", status_.forgotten}});
        return disagree(lane, through, fmt::format("central has records through {} only; this gateway keeps them from {} on", through, lane.source->first_kept()));
    }
    if (*own != chain) return disagree(lane, through, fmt::format("central holds another record as number {}", through));
    lane.disagrees = false;
    if (through > lane.floor) return confirm(lane, through);
    // A retained acknowledgement may be old; a live one below what central had means that the centre forgot, and it is sent again.
    if (retained || through == lane.floor) return;
    log::warn("link.centre_behind", {{"stream", lane.source->stream()}, {"central_has", through}, {"had", lane.floor}});
    lane.floor = through;
    go_back(lane, through);
    pump();
}

void Forwarder::disagree(Lane& lane, std::uint64_t through, std::string_view why) {
    if (std::exchange(lane.disagrees, true)) return;
    set_state(LinkState::centre_disagrees, std::string{why});
    listener_.on_disagreement(lane.source->stream(), through);
}

void Forwarder::confirm(Lane& lane, std::uint64_t through) {
    while (!lane.unacknowledged.empty() && lane.unacknowledged.front().seq <= through) {
        --unacknowledged_records_;
        unacknowledged_bytes_ -= lane.unacknowledged.front().bytes;
        lane.unacknowledged.pop_front();
    }
    while (!lane.ready.empty() && lane.ready.front().seq <= through) lane.ready.pop_front();
    if (lane.cursor <= through) {
        lane.cursor = through + 1;
        ++lane.epoch;
    }
    lane.floor = through;
    lane.source->confirm(through);
    backoff_ = {};
    if (std::exchange(stalling_, false) && centre_online_) set_state(LinkState::connected, "");
    progress();
    listener_.on_link(status_);
    pump();
}

void Forwarder::progress() { last_progress_ = clock_.now(); }

void Forwarder::watch_for_stall() {
    if (watching_) return;
    watching_ = true;
    asio::co_spawn(
        loop_,
        [this, alive = alive_]() -> Task<void> {
            for (;;) {
                auto const stall = std::max(limits_.stall, 4 * window_time_);
                auto const due = last_progress_ + stall;
                co_await clock_.sleep_until(due);
                if (!*alive) co_return;
                if (!connected_ || !in_flight()) break;
                if (clock_.now() < last_progress_ + std::max(limits_.stall, 4 * window_time_)) continue;
                stalling_ = true;
                set_state(LinkState::stalled, fmt::format("{} records were sent and neither the broker nor the centre has answered for {} s.",
                                                          unacknowledged_records_, stall.count() / 1000));
                watching_ = false;
                uplink_.close();
                co_return;
            }
            watching_ = false;
        },
        asio::detached);
}

void Forwarder::set_state(LinkState state, std::string detail) {
    // A disagreement outlives reconnections: only an acknowledgement that fits, or a person, ends it.
    bool const disagreeing = std::any_of(lanes_.begin(), lanes_.end(), [](auto const& lane) { return lane->disagrees; });
    if (state == LinkState::connected && disagreeing) return;
    bool const changed = state != status_.state;
    status_.state = state;
    status_.detail = std::move(detail);
    if (changed) {
        bool const bad = state == LinkState::not_authorised || state == LinkState::taken_over || state == LinkState::centre_disagrees;
        (bad ? log::error : state == LinkState::connected ? log::info : log::warn)(
            "link.state_changed", {{"state", to_string(state)}, {"detail", status_.detail}});
    }
    listener_.on_link(status_);
}

}  // namespace marrowlink
