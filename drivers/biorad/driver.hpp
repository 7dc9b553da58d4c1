// A Bio-Rad Model 550 or 680 reader on a serial line: told to read, and told to send its last plate again until a copy of it arrived whole.
// Facts: notes.md.
#pragma once

#include <string>

#include "core/clock.hpp"
#include "core/run.hpp"
#include "drivers/biorad/protocol.hpp"
#include "drivers/document.hpp"
#include "drivers/driver.hpp"
#include "drivers/start_desk.hpp"

namespace marrowlink::biorad {

struct OpenRun {
    std::string run, plate;
};

struct Options {
    std::string instrument;           // configured id
    std::string read;                 // arguments of RPLATE as the reader's manual has them; empty: it cannot be started from here
    std::optional<OpenRun> open_run;  // begun before this connection
    std::string stored_sha256;        // of the plate that the reader held last, as far as is known: stored, or asked for before a read
};

// Nothing is journalled: the reader holds its last plate. A plate that is damaged, or whose run was begun before the connection was lost,
// is asked for again (RTPLATE); when the reader then gives the plate that it held before, the read did not take place.
class BioradDriver final : public Driver {
 public:
    static constexpr bool tried_on_hardware = false;
    static constexpr std::chrono::seconds answer_patience{5};  // for the answer to a command other than RPLATE
    static constexpr std::chrono::milliseconds settled{500};   // without a byte before a read is commanded
    static constexpr std::chrono::seconds quiet{10};           // without a byte inside a plate, or before one that was asked for again
    static constexpr std::chrono::minutes read_patience{30};   // for a plate; the Model 680 may mix for 17 minutes before it reads
    static constexpr std::chrono::seconds repeat_pause{30};    // before a plate that did not come is asked for again
    static constexpr int look_attempts_max = 3;                // at the plate that it holds before a read
    static constexpr int attempts_max = 5;                     // of one plate

    BioradDriver(Options options, Transport& transport, Clock& clock);

    Task<Result<std::string>> identify() override;
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;
    Task<Result<std::optional<std::string>>> held() override;
    Task<Result<void>> start(StartRequest request) override;
    std::string activity() const override;

 private:
    // What was asked last and not answered yet.
    enum class Asked : std::uint8_t { nothing, read, control, repeat };

    Task<Result<void>> say(std::string command, Asked asked);
    Task<Result<void>> hear(Clock::Instant limit);
    Task<Result<Event>> ask(std::string command);  // views are good until the next bytes are taken
    Task<Result<void>> settle();
    Task<Result<void>> begin(StartRequest what);
    Task<Result<void>> look(std::function<void(std::string)> tell);
    Task<Result<Batch>> serve();
    Task<Result<std::optional<Batch>>> take(Event event);
    Task<Result<std::optional<Batch>>> again(std::string reason);
    Task<Result<void>> waited();
    Clock::Instant due() const;  // until then there is nothing to do but to listen
    Batch plate(std::string const& bytes, Document document);
    std::string taken(std::size_t bytes);
    Batch aborted(std::string reason);
    void forget_run();

    Options options_;
    Transport& transport_;
    Clock& clock_;
    std::string buffer_;          // received, not yet an event
    std::uint64_t received_ = 0;  // bytes of the transport
    std::string unread_;          // what came of the plate so far and could not be read
    Asked asked_ = Asked::nothing;
    Clock::Instant until_;  // when what was asked is overdue
    std::optional<Clock::Instant> repeat_at_;
    std::string trouble_;  // why the plate is asked for again
    int attempts_ = 0;
    bool listening_ = false;
    bool release_ = false;  // after the commit the reader's keys are its user's again
    StartDesk desk_;
};

}  // namespace marrowlink::biorad
