// The centre on the broker: takes messages, has them committed, and only then acknowledges. Everything here happens on the loop; the Intake
// works on the store executor, one batch at a time: what arrives during a commit is the next batch, so that the rate decides the size of
// the group.
//   connected → birth, acknowledgement of every known stream
//   batch committed → one acknowledgement per stream it touched, one answer per run it settled
//   batch failed → kept, tried again; nothing is acknowledged
//   run evaluated → its answer again, with the verdict on the plate
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "central/intake.hpp"
#include "core/clock.hpp"
#include "core/uplink.hpp"

namespace marrowlink::central {

// What the centre subscribes to, and its will.
std::vector<std::string> subscriptions();
Message centre_will();

struct IngestLimits {
    std::size_t held_bytes = 256u << 20;  // received and not committed; beyond it messages are let go unread, and gateways send them again
    int wal_pages =
        4'000;  // more than these 16 MiB in the WAL are folded into the database, between commits: a quarter of a second of full load
    std::size_t publishes = 100;                       // without PUBACK, or fewer when the broker says so
    std::chrono::milliseconds stall{30'000};           // publishes, and no PUBACK for so long: the connection is given up
    std::chrono::milliseconds retry{5'000};            // after a commit that failed
    std::chrono::milliseconds evaluation_look{1'000};  // for runs that became due by a command beside the centre
    std::chrono::milliseconds reconnect_first{500};    // doubled at each failure
    std::chrono::milliseconds reconnect_last{30'000};
};

struct IngestStatus {
    bool connected = false;
    std::string link;         // why not connected
    bool storing = true;      // the last commit succeeded
    std::string store_error;  // the last commit's
    std::array<std::uint64_t, outcome_count> outcomes{};
    std::uint64_t messages = 0, rejected = 0, let_go = 0, commits = 0, bytes = 0, acknowledgements = 0, answers = 0, connects = 0;
    std::size_t held_bytes = 0;
    Clock::Instant latest_commit{};
};

// A gateway as its latest birth or will says; forgotten by a restart and told again by the broker.
struct GatewaySeen {
    bool online = false;
    std::string version;
    Clock::Utc since{};
};

class Ingest final : public UplinkListener {
 public:
    // `uplink`, `intake` and `clock` outlive it, and it outlives what it has posted: end the store's thread and the loop first.
    Ingest(Uplink& uplink, boost::asio::any_io_executor loop, boost::asio::any_io_executor store, Clock& clock, Intake& intake,
           IngestLimits limits = {});

    void start();
    void stop();  // closes the link; the broker publishes the will

    IngestStatus const& status() const { return status_; }
    std::map<std::pair<std::string, std::string>, GatewaySeen> const& gateways() const { return gateways_; }  // by site, gateway

    void on_connected(Connected const& connected) override;
    void on_closed(LinkEnd end, std::string const& detail) override;
    void on_puback(std::uint64_t token, std::uint8_t reason) override;
    void on_messages(std::vector<Message> messages) override;

 private:
    void turn();
    void committed(Result<Taken> taken, std::vector<Acknowledgement> all, bool all_asked, std::size_t bytes);
    void failed(Error const& error);
    void evaluate();
    void evaluated(Result<std::optional<std::vector<Answer>>> const& done);
    void answer(std::vector<Answer> const& answers);
    Task<void> look_for_due();
    void tell(Taken const& taken);
    void see(Message const& message);
    void acknowledge(Acknowledgement const& acknowledgement);
    void pump();
    void publish(Message message);
    Task<void> watch_for_stall();
    Task<void> reopen_after(std::chrono::milliseconds delay);
    Task<void> turn_after(std::chrono::milliseconds delay);

    Uplink& uplink_;
    boost::asio::any_io_executor loop_, store_;
    Clock& clock_;
    Intake& intake_;
    IngestLimits limits_;
    IngestStatus status_;
    std::map<std::pair<std::string, std::string>, GatewaySeen> gateways_;

    std::vector<Message> inbox_;
    std::size_t inbox_bytes_ = 0;
    std::map<std::string, std::string> acknowledgements_;  // topic → payload: the latest replaces one not yet sent
    std::deque<Message> answers_;
    std::size_t in_flight_ = 0, window_ = 1;
    std::uint64_t next_token_ = 1;
    Clock::Instant last_puback_;
    bool watching_ = false;
    std::chrono::milliseconds backoff_;
    bool busy_ = false;  // a batch is with the store, or waits to be tried again
    bool evaluating_ = false, evaluate_again_ = false;
    std::string evaluation_error_;  // told once
    bool all_asked_ = false;        // the next turn brings the acknowledgement of every known stream
    bool letting_go_ = false, stopped_ = false, forbidden_told_ = false;
};

}  // namespace marrowlink::central
