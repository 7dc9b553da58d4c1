// Keeps the outbox emptying through the uplink, bounded in flight. Go-back-N: on connect, when the centre comes back and on a stall,
// sending starts again behind the last acknowledged record. Nothing is confirmed but what this stream holds under the very chain that
// central names.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"
#include "core/uplink.hpp"
#include "gateway/record_source.hpp"

namespace marrowlink {

enum class LinkState : std::uint8_t {
    connecting,
    connected,         // broker and centre are there
    centre_away,       // the broker is there, the centre is not: nothing is sent, nothing is lost
    refused,           // no connection; tried again with backoff
    not_authorised,    // the broker refuses this client or its records
    taken_over,        // another client uses this id
    stalled,           // sent, but neither PUBACK nor acknowledgement came within the stall time
    centre_disagrees,  // central holds other records under our stream; nothing is removed
    rehearsal          // kept closed on purpose by `hold`; no fault
};
std::string_view to_string(LinkState state);

// What a gateway subscribes to, and its will.
std::vector<std::string> gateway_subscriptions(std::string_view site, std::string_view gateway);
Message gateway_will(std::string_view site, std::string_view gateway);

struct LinkStatus {
    LinkState state = LinkState::connecting;
    std::string detail;
    std::uint64_t pubacked = 0;   // live stream: highest seq the broker has taken; proof of nothing
    std::uint64_t published = 0;  // count, repetitions included
    std::uint64_t repeated = 0;   // count of publishes at or below a seq published before
    std::uint64_t forgotten = 0;  // records central asks for again that are no longer kept here
};

class ForwarderListener {
 public:
    virtual ~ForwarderListener() = default;
    virtual void on_link(LinkStatus const& status) = 0;
    virtual void on_answer(json::object const& answer) = 0;
    virtual void on_disagreement(std::string const& stream, std::uint64_t through) = 0;
    // Of a stream that had ended, central has less than it once acknowledged: it was restored from an older backup.
    virtual void on_forgotten(std::string const& stream, std::uint64_t through) = 0;
};

inline constexpr std::size_t ended_streams_max = 16;  // the newest that central is asked about; of older ones it is believed

struct ForwarderLimits {
    std::size_t records = 800;     // without central's acknowledgement
    std::size_t bytes = 8u << 20;  // without central's acknowledgement
    std::chrono::milliseconds stall{30'000};
    std::chrono::milliseconds backoff_first{250};
    std::chrono::milliseconds backoff_last{30'000};
};

class Forwarder final : public UplinkListener {
 public:
    Forwarder(Uplink& uplink, Clock& clock, Entropy& entropy, boost::asio::any_io_executor loop, std::string site, std::string gateway,
              ForwarderLimits limits, ForwarderListener& listener);
    ~Forwarder() override;

    void start();          // first attempt to connect
    void stop();           // closes; no further attempt
    void reconnect_now();  // after a change of certificates or configuration
    // Closes the link and keeps it closed until `release`, whatever else happens; the state is `rehearsal` with `why` until then. What is
    // appended meanwhile is sent after it, from the last acknowledged record on, as after any other break.
    void hold(std::string why);
    void release();                             // connects at once, without backoff
    void add(RecordSource& source, bool live);  // drained in the order added, the live one last
    void remove(RecordSource& source);
    // A stream of ours that ended with everything acknowledged through `acknowledged`. Central is asked about it at each connection.
    void remember(std::string const& stream, std::uint64_t acknowledged);
    void appended();  // the live source grew
    LinkStatus const& status() const { return status_; }

    void on_connected(Connected const& connected) override;
    void on_closed(LinkEnd end, std::string const& detail) override;
    void on_puback(std::uint64_t token, std::uint8_t reason) override;
    void on_messages(std::vector<Message> messages) override;

 private:
    struct Sent {
        std::uint64_t seq;
        std::size_t bytes;
        Digest chain;
        Clock::Instant at;
    };
    struct Lane {
        RecordSource* source = nullptr;  // null once the lane has been removed
        bool live = false;
        bool fetching = false;
        std::string disagreement;  // what central holds against what we hold; empty: nothing
        std::uint64_t cursor = 1;  // next seq to send
        std::uint64_t floor = 0;  // central has everything through here, as last heard; lower than the source's own after a restored centre
        std::uint64_t highest_sent = 0;
        std::deque<Record> ready;         // fetched, not sent
        std::deque<Sent> unacknowledged;  // sent, in order
        std::uint64_t epoch = 0;          // raised by each going back: a fetch begun before it is stale
        std::uint64_t words = 0;          // acknowledgements heard…
        std::uint64_t judged = 0;         // …and the last of them that was judged
    };
    using LanePtr = std::shared_ptr<Lane>;
    struct Flight {
        LanePtr lane;  // null: a birth, or of a lane that has been removed
        std::uint64_t seq;
    };

    void open();
    void publish_births();
    void go_back(Lane& lane, std::uint64_t through);
    void go_back_all();
    void pump();
    bool pump_lane(LanePtr const& lane);
    void send(LanePtr const& lane, Record record);
    void fetch(LanePtr const& lane);
    void centre_is(bool online);
    void acknowledge(LanePtr const& lane, std::uint64_t through, Digest const& chain, bool retained);
    void judge(Lane& lane, std::uint64_t word, std::uint64_t through, Digest const& chain, bool retained, std::optional<Digest> own);
    void disagree(Lane& lane, std::uint64_t through, std::string why);
    void confirm(Lane& lane, std::uint64_t through);
    void progress();
    void watch_for_stall();
    std::chrono::milliseconds stall_time() const;
    void schedule_open();
    void forget_schedule();
    void set_state(LinkState state, std::string detail);
    bool in_flight() const { return !flights_.empty() || unacknowledged_records_ > 0; }

    Uplink& uplink_;
    Clock& clock_;
    Entropy& entropy_;
    boost::asio::any_io_executor loop_;
    std::string site_, gateway_;
    ForwarderLimits limits_;
    ForwarderListener& listener_;

    std::vector<LanePtr> lanes_;
    struct Ended {
        std::string stream;
        std::uint64_t acknowledged;
    };
    std::deque<Ended> ended_;  // the newest last
    struct Birth {
        std::string stream;
        bool live;
    };
    std::deque<Birth> births_;                           // to be announced on this connection
    std::unordered_map<std::uint64_t, Flight> flights_;  // by token: published, no PUBACK yet
    std::uint64_t next_token_ = 1;
    std::uint32_t receive_maximum_ = 20;
    std::size_t unacknowledged_records_ = 0;
    std::size_t unacknowledged_bytes_ = 0;
    LinkStatus status_;
    Clock::Instant last_progress_{};
    std::chrono::milliseconds window_time_{0};  // publish → acknowledgement, as last measured
    std::chrono::milliseconds backoff_{0};
    Clock::Instant connected_at_{};
    bool connected_ = false;
    bool centre_online_ = false;
    bool watching_ = false;
    bool stopped_ = false;
    bool stalling_ = false;
    bool open_scheduled_ = false;
    bool opened_ = false;  // the uplink was asked to open and has not said that it is closed
    bool held_ = false;
    std::string held_why_;
    bool unheard_ = false;       // the broker knows no subscriber although the centre says that it is there
    std::uint64_t attempt_ = 0;  // raised when one is made ahead of its time
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace marrowlink
