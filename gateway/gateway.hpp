// The composition root: builds every part from the configuration, introduces them to one another, and tells the status board what they say.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/wake.hpp"
#include "gateway/api.hpp"
#include "gateway/config.hpp"
#include "gateway/forwarder.hpp"
#include "gateway/instrument.hpp"
#include "gateway/outbox.hpp"
#include "gateway/outbox_directory.hpp"
#include "gateway/rehearsal.hpp"
#include "gateway/run_view.hpp"
#include "gateway/status.hpp"

namespace marrowlink {

// What the gateway is given instead of the world.
struct GatewayParts {
    Clock& clock;
    Entropy& entropy;
    boost::asio::any_io_executor loop;
    boost::asio::any_io_executor store;
    Uplink& uplink;
    std::function<InstrumentPlan(InstrumentConfig const&)> plan;  // the transports are the world's, so the plan is made outside
    std::string boot_id;
    std::function<void()> give_up;  // nothing can be made durable any more: ends the program, and the service manager starts it again
    std::function<std::shared_ptr<ModbusMaster>(ModbusPlace const&)> bus = nullptr;  // the one that the plans have too
};

class Gateway final : public OutboxListener, public ForwarderListener, public InstrumentListener, public GatewayCommands {
 public:
    Gateway(GatewayParts parts, Config config, OpenedOutbox opened);
    ~Gateway() override;

    void start();
    void stop_instruments();  // first; what they committed may still leave
    bool draining() const;    // records wait and the link can take them
    void stop_link();         // last; what is durable stays
    std::uint64_t waiting() const { return outbox_->position().appended - outbox_->acknowledged(); }
    void reload(Config config);  // instruments are added, removed or replaced; what needs a restart is said
    void reload_failed(Error const& error);
    StatusBoard& board() { return board_; }

    Task<Result<std::string>> run_of_taken(std::string instrument, std::string sha256);  // empty: these bytes were not taken yet

    // GatewayCommands
    Task<Result<std::string>> start(std::string instrument, std::string plate) override;
    Task<Result<void>> label(std::string run, std::string plate, std::string who, std::string why) override;
    Task<Result<std::vector<Reading>>> readings(std::string run) override;
    Result<std::vector<RegisterView>> registers(std::string const& instrument) override;
    Task<Result<json::object>> adapter(std::string instrument) override;
    Result<json::object> rehearse(std::chrono::milliseconds length, std::string who) override {
        return rehearsal_->begin(length, std::move(who));
    }
    Result<json::object> end_rehearsal(std::string who) override { return rehearsal_->end_early(std::move(who)); }
    json::object rehearsal() const override { return rehearsal_->json(); }

 private:
    struct Running {
        InstrumentConfig config;
        std::shared_ptr<Instrument> instrument;
        boost::asio::cancellation_signal cancel;
        std::uint64_t reported = 0;  // messages told to the centre in telemetry
        bool followed = false;       // its driver has more to say than its batches
        bool files_due = false;      // to be looked at: its driver has changed since they were, or a minute has passed
        std::string activity, trouble;
    };

    void on_position(OutboxPosition const& position) override;
    void on_trouble(Error const& error) override;
    void on_trouble_over() override;
    void on_damaged(Error const& error) override;
    void on_link(LinkStatus const& status) override;
    void on_answer(json::object const& answer) override;
    void on_disagreement(std::string const& stream, std::uint64_t through) override;
    void on_forgotten(std::string const& stream, std::uint64_t through) override;
    void on_instrument(std::string const& id, ConnectionStatus const& status) override;
    void on_heard(std::string const& id, Clock::Instant at) override;
    void on_changed(std::string const& id) override;
    void on_taken(TakenFile const& file) override;
    void on_stored(std::string const& id, std::vector<Draft> const& drafts, std::size_t messages, std::uint64_t through) override;

    Task<void> start_link();
    Task<void> show_kept_runs();
    void run_instrument(InstrumentConfig const& config);
    void adopt(OpenedOutbox opened);
    Task<void> send_again(std::string stream, std::uint64_t through);
    // In place of the present one: with what it has behind `common`, where central holds other records; empty, where its file is damaged.
    Task<void> begin_new_stream(std::optional<std::uint64_t> common, Error why);
    void note(std::string instrument, std::string_view type, json::object data);
    Task<void> follow_drivers();
    void follow(Running& running);
    void show_files(std::string const& id, Driver const& driver);
    Task<void> housekeeping();
    Room room(std::uint64_t& free_bytes) const;  // of the file system; untouched when that cannot be asked
    void show_disk();
    void show_link();
    Running* find(std::string_view id);

    GatewayParts parts_;
    Config config_;
    StatusBoard board_;
    std::unique_ptr<Outbox> outbox_;
    std::unique_ptr<OutboxDirectory> directory_;
    std::vector<std::unique_ptr<Salvage>> salvages_;
    std::unique_ptr<Forwarder> forwarder_;
    std::unique_ptr<Rehearsal> rehearsal_;
    bool renewing_ = false;  // another outbox is being put in place of the present one
    std::list<Running> running_;
    std::list<Running> ended_;  // taken out of the configuration; here until their coroutines have unwound
    UsageRate usage_;
    bool link_up_ = false;
    std::set<std::string> files_shown_;
    Wake noticed_;  // a driver has something new to say of itself
    boost::asio::cancellation_signal stop_housekeeping_, stop_following_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // a coroutine that ends late finds out that its gateway is gone
};

}  // namespace marrowlink
