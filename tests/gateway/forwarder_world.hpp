// A stream in memory, a broker and a centre that do as they are told, and a forwarder between them. Time is virtual.
#pragma once

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "../sim/virtual_clock.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "gateway/forwarder.hpp"

namespace marrowlink::forwarder_world {
namespace asio = boost::asio;

inline std::string const stream_a = "0a000000-0000-4000-8000-00000000000a";

class MemorySource final : public RecordSource {
 public:
    explicit MemorySource(std::string stream, std::uint64_t salt = 0)
        : stream_(std::move(stream)), salt_(salt), chain_(chain_start(stream_)) {}
    void append(std::uint64_t count, std::size_t bytes = 20) {
        for (; count > 0; --count) {
            Draft draft;
            draft.type = type::run_readings;
            draft.instrument = "reader";
            draft.run = fmt::format("run-{}", records_.size() + 1);
            draft.sourcekey = fmt::format("key-{}", records_.size() + 1);
            draft.data = std::string(bytes, static_cast<char>('a' + salt_ % 26));
            Record record;
            record.seq = records_.size() + 1;
            record.attributes =
                attributes_of(draft, {"lyon", "bench-2", stream_}, {"2026-11-25T02:30:00.000Z", "boot", 1, true}, record.seq);
            record.data = draft.data;
            record.chain = chain_ = chain_next(hash_, chain_, record.attributes, record.data);
            records_.push_back(std::move(record));
        }
    }
    void prune(std::uint64_t through) { first_kept_ = through + 1; }
    Record const& at(std::uint64_t seq) const { return records_.at(seq - 1); }

    std::string const& stream() const override { return stream_; }
    std::uint64_t appended() const override { return records_.size(); }
    std::uint64_t acknowledged() const override { return acknowledged_; }
    std::uint64_t first_kept() const override { return first_kept_; }
    Task<Result<std::vector<Record>>> peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) override {
        ++peeks;
        if (std::exchange(locked, false)) co_return fail(Fault::unavailable, "The store is locked.");
        std::vector<Record> out;
        std::size_t bytes = 0;
        for (std::uint64_t seq = std::max(from, first_kept_); seq <= records_.size() && out.size() < records_max && bytes < bytes_max;
             ++seq) {
            if (lost.contains(seq)) continue;
            out.push_back(at(seq));
            bytes += out.back().bytes();
        }
        co_return out;
    }
    Task<Result<std::optional<Digest>>> chain_at(std::uint64_t seq) override {
        if (seq == 0) co_return chain_start(stream_);
        if (seq + 1 < first_kept_ || seq > records_.size()) co_return std::nullopt;
        co_return at(seq).chain;
    }
    void confirm(std::uint64_t seq) override {
        ++confirms;
        acknowledged_ = std::max(acknowledged_, seq);
    }

    int peeks = 0, confirms = 0;
    bool locked = false;  // the next peek fails
    std::set<std::uint64_t> lost;

 private:
    std::string stream_;
    std::uint64_t salt_, acknowledged_ = 0, first_kept_ = 1;
    Digest chain_;
    std::vector<Record> records_;
    Sha256 hash_;
};

// What the centre has of one stream.
struct Held {
    std::uint64_t through = 0;
    Digest chain{};
    std::uint64_t duplicates = 0, gaps = 0;
};

class Broker final : public Uplink {
 public:
    explicit Broker(asio::io_context& loop) : loop_(loop) {}

    // Knobs.
    bool refuse = false, mute = false;  // mute: takes publishes, answers nothing (a blackhole)
    bool drop = false;                  // PUBACKs, and forgets
    bool centre = true;                 // subscribed and online
    bool acknowledge = true;            // the centre says how far it has got
    std::uint8_t reason = 0;            // of PUBACKs of records
    std::uint32_t receive_maximum = 20;
    std::uint64_t withhold_puback = 0;  // of this seq, once
    std::uint64_t acknowledge_every = 1;

    // What happened.
    int opens = 0;
    bool connected = false;
    std::uint64_t publishes = 0;
    std::vector<std::uint64_t> order;  // seqs, as published
    std::vector<Message> births;
    std::size_t without_puback = 0, without_puback_most = 0;
    std::map<std::string, Held> held;
    std::map<std::string, std::string> retained;
    std::map<std::string, std::vector<json::object>> lost;  // by stream, as stream.closed names it

    void listen(UplinkListener* listener) override { listener_ = listener; }
    void open() override {
        ++opens;
        later([this] {
            if (refuse) return listener_->on_closed(LinkEnd::refused, "Connection refused.");
            connected = true;
            without_puback = 0;
            listener_->on_connected({receive_maximum, 0});
            std::vector<Message> kept;
            if (centre) kept.push_back(state(true, true));
            for (auto const& [topic, payload] : retained) kept.push_back(Message{topic, payload, "", {}, true});
            if (!kept.empty()) listener_->on_messages(kept);
        });
    }
    void close() override { end(LinkEnd::asked, "asked"); }
    void end(LinkEnd why, std::string detail) {
        if (!connected) return;
        connected = false;
        ++epoch_;
        later([this, why, detail] { listener_->on_closed(why, detail); });
    }
    void publish(std::uint64_t token, Message message) override {
        without_puback_most = std::max(without_puback_most, ++without_puback);
        if (message.topic.ends_with("/state")) {
            births.push_back(message);
            if (!mute)
                answer([this, token] {
                    --without_puback;
                    listener_->on_puback(token, 0);
                });
            std::string const stream{json::string_of(json::parse(message.payload, "birth")->get_object(), "stream")};
            if (centre && acknowledge && !mute) answer([this, stream] { say(stream); });
            return;
        }
        ++publishes;
        std::uint64_t seq = 0;
        Record record;
        Attributes attributes;
        for (auto const& [name, value] : message.properties) {
            if (name == "sequence") seq = *sequence_from(value);
            if (name == "chain")
                digest_from_hex(value, record.chain);
            else
                attributes.emplace_back(name, value);
        }
        attributes.emplace_back("datacontenttype", message.content_type);
        record.seq = seq;
        record.attributes = encode_attributes(std::move(attributes));
        record.data = std::move(message.payload);
        order.push_back(seq);
        if (mute) return;
        if (withhold_puback == seq) {
            withhold_puback = 0;
            return;
        }
        answer([this, token, record = std::move(record)] {
            --without_puback;
            if (!drop && reason == 0 && centre) take(record);
            listener_->on_puback(token, centre ? reason : std::uint8_t{16});
        });
    }
    // The centre appears or goes, and says so.
    void centre_is(bool online) {
        centre = online;
        if (connected) later([this, online] { listener_->on_messages({state(online, false)}); });
    }
    void say(std::string const& stream, bool retain = false) {
        auto [entry, added] = held.try_emplace(stream);
        if (added) entry->second.chain = chain_start(stream);
        say(stream, entry->second.through, entry->second.chain, retain);
    }
    void say(std::string const& stream, std::uint64_t through, Digest const& chain, bool retain = false) {
        Message message;
        message.topic = topic::acknowledgement("lyon", "bench-2", stream);
        message.payload = json::serialize(json::object{{"through", through}, {"chain", hex(chain)}});
        message.retain = retain;
        if (connected) later([this, message] { listener_->on_messages({message}); });
    }

 private:
    void later(std::function<void()> what) {
        asio::post(loop_, [this, what = std::move(what)] {
            if (listener_) what();
        });
    }
    // Dies with the connection.
    void answer(std::function<void()> what) {
        later([this, epoch = epoch_, what = std::move(what)] {
            if (epoch == epoch_) what();
        });
    }
    static Message state(bool online, bool retain) {
        return Message{std::string{topic::centre_state}, online ? R"({"state":"online"})" : R"({"state":"offline"})", "", {}, retain};
    }
    void take(Record const& record) {
        std::string const stream{record.attribute("stream")};
        auto [entry, added] = held.try_emplace(stream);
        Held& kept = entry->second;
        if (added) kept.chain = chain_start(stream);
        while (record.seq > kept.through + 1 && pass_lost(stream, kept)) {
        }
        if (record.seq <= kept.through) {
            ++kept.duplicates;
        } else if (record.seq != kept.through + 1 || chain_next(hash_, kept.chain, record.attributes, record.data) != record.chain) {
            ++kept.gaps;
        } else {
            kept.through = record.seq;
            kept.chain = record.chain;
            if (record.type() == type::stream_closed) {
                auto const data = json::parse(record.data, "stream.closed")->get_object();
                auto& ranges = lost[std::string{json::string_of(data, "stream")}];
                for (auto const& range : data.at("lost").get_array()) ranges.push_back(range.get_object());
            }
        }
        if (acknowledge && kept.through % acknowledge_every == 0) say(stream);
    }
    // A gap is passed only where stream.closed has named it.
    bool pass_lost(std::string const& stream, Held& kept) {
        for (json::object const& range : lost[stream]) {
            if (json::integer_of(range, "first") != static_cast<std::int64_t>(kept.through + 1)) continue;
            if (!digest_from_hex(json::string_of(range, "chain"), kept.chain)) return false;
            kept.through = static_cast<std::uint64_t>(json::integer_of(range, "last"));
            return true;
        }
        return false;
    }

    asio::io_context& loop_;
    UplinkListener* listener_ = nullptr;
    std::uint64_t epoch_ = 0;
    Sha256 hash_;
};

struct Witness final : ForwarderListener {
    void on_link(LinkStatus const& status) override {
        if (states.empty() || states.back() != status.state) states.push_back(status.state);
        last = status;
    }
    void on_answer(json::object const& answer) override { answers.push_back(answer); }
    void on_disagreement(std::string const& stream, std::uint64_t through) override { disagreements.emplace_back(stream, through); }
    void on_forgotten(std::string const& stream, std::uint64_t through) override { forgotten.emplace_back(stream, through); }
    std::size_t count(LinkState state) const { return static_cast<std::size_t>(std::count(states.begin(), states.end(), state)); }
    std::vector<LinkState> states;
    LinkStatus last;
    std::vector<json::object> answers;
    std::vector<std::pair<std::string, std::uint64_t>> disagreements, forgotten;
};

struct World {
    explicit World(ForwarderLimits given = {}) : limits(given) {
        log::set_sink([](log::Level, std::string_view) {});
        forwarder = std::make_unique<Forwarder>(broker, clock, entropy, loop.get_executor(), "lyon", "bench-2", limits, witness);
        forwarder->add(source, true);
    }
    void append(std::uint64_t count, std::size_t bytes = 20) {
        source.append(count, bytes);
        forwarder->appended();
    }
    bool emptied(std::chrono::milliseconds span) {
        return clock.run_until_true([this] { return source.acknowledged() == source.appended(); }, span);
    }
    Held const& held() { return broker.held[stream_a]; }

    asio::io_context loop{1};
    sim::VirtualClock clock{loop};
    sim::SeededEntropy entropy{1};
    MemorySource source{stream_a};
    Broker broker{loop};
    Witness witness;
    ForwarderLimits limits;
    std::unique_ptr<Forwarder> forwarder;
};

}  // namespace marrowlink::forwarder_world
