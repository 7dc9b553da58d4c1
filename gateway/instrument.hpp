// Keeps one driver alive and moves its records into the outbox. Whatever ends a connection, the next one is tried with backoff; nothing an
// instrument does stops the others.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/transport.hpp"
#include "drivers/driver.hpp"
#include "gateway/outbox.hpp"

namespace marrowlink {

enum class ConnectionState : std::uint8_t { waiting_for_port, connecting, serving, failed };

struct ConnectionStatus {
    ConnectionState state = ConnectionState::waiting_for_port;
    std::string detail;                        // whole sentence; what to do when something is wrong
    std::string identity;                      // what the instrument said it is
    std::string run, plate;                    // open run, empty when none
    std::optional<Clock::Instant> last_heard;  // absent before the first word
};

class InstrumentListener {
 public:
    virtual ~InstrumentListener() = default;
    virtual void on_instrument(std::string const& id, ConnectionStatus const& status) = 0;
    virtual void on_heard(std::string const& id, Clock::Instant at) = 0;
    virtual void on_changed(std::string const& id) = 0;  // what its driver says of itself
    // Durable, the last of them at or before `through`. Of messages only the count is told: they come by the thousand.
    virtual void on_taken(TakenFile const& file) = 0;  // the file that on_stored's next call is about; its name is for this site only
    virtual void on_stored(std::string const& id, std::vector<Draft> const& drafts, std::size_t messages, std::uint64_t through) = 0;
};

// What differs from one configured instrument to the next.
struct InstrumentPlan {
    struct Connection {
        Transport* transport = nullptr;   // null for a folder and on a bus
        std::uint64_t position = 0;       // bytes journalled before this connection
        std::optional<OpenRun> open_run;  // begun before this connection and not ended
        std::string last_transcript;      // SHA-256 of that of its last finished run, or of what it held since; empty: none
    };
    std::string id;
    std::string driver_name, port;  // port: for people
    bool tried_on_hardware = false;
    bool commandable = false;
    bool on_bus = false;                          // its driver opens a port that others may share; the transport is null then too
    bool followed = false;                        // the driver polls its instrument and has more to say than its batches
    std::unique_ptr<TransportFactory> transport;  // null for a folder and on a bus
    std::function<std::unique_ptr<Driver>(Connection)> driver;
    bool journalled = false;  // it cannot repeat itself
    bool messages = false;    // each run.readings record is a whole run of one message
};

class Instrument {
 public:
    static constexpr std::chrono::milliseconds backoff_first{500};
    static constexpr std::chrono::milliseconds backoff_last{10'000};

    Instrument(InstrumentPlan plan, Outbox& outbox, Clock& clock, Entropy& entropy, InstrumentListener& listener);

    Task<void> run();  // until cancelled

    // Makes run id and plate durable as `run.started`, then tells the instrument to begin. The run id.
    Task<Result<std::string>> start(std::string plate, std::string by);

    ConnectionStatus const& status() const { return status_; }
    std::string const& id() const { return plan_.id; }
    Driver const* driver() const { return driver_.get(); }  // null while not connected

 private:
    class Heard;

    Task<Result<void>> read_journal();
    Task<Result<void>> connect_and_serve();
    Task<Result<void>> resume();
    Task<Result<void>> serve(Driver& driver, std::uint64_t position);
    Task<Result<void>> recall(InstrumentPlan::Connection& connection);
    Task<Result<std::optional<OpenRun>>> open_run();
    Result<void> can_start() const;
    Task<Result<std::uint64_t>> store(Append append);
    void become(ConnectionState state, std::string detail);
    void complain(std::string const& reason);

    InstrumentPlan plan_;
    Outbox& outbox_;
    Clock& clock_;
    Entropy& entropy_;
    InstrumentListener& listener_;
    ConnectionStatus status_;
    std::unique_ptr<Transport> transport_;
    std::unique_ptr<Driver> driver_;
    std::uint64_t position_ = 0;
    std::string complained_;  // of what, since it last served
};

}  // namespace marrowlink
