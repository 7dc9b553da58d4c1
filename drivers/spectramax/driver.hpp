// Molecular Devices SpectraMax readers on a serial line: commanded, polled, read, and told to forget only what is committed.
//
// The reader keeps its data until !CLEAR DATA, so nothing is journalled: whatever goes wrong before the commit, the data are still there.
// The protocol has no checksum, so a plate is believed when two transfers agree byte for byte, and cleared when a third still equals what
// was committed. !CLEAR DATA is sent from one place only, and never before that.
//
// next() owns the line. start() hands its request to next() and waits, so that the two never speak at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/run.hpp"
#include "core/transport.hpp"
#include "drivers/driver.hpp"
#include "drivers/spectramax/parse.hpp"
#include "drivers/spectramax/protocol.hpp"
#include "drivers/start_desk.hpp"

namespace marrowlink::spectramax {

struct OpenRun {
    std::string run, plate;
};

struct Options {
    std::string instrument;                             // configured id
    int wells = 96;                                     // 96 or 384: the plate that start() measures
    std::vector<std::string> wavelengths_nm = {"450"};  // absorbance; "F650" takes a filter instead of the monochromator
    std::string calibrate = "ONCE";                     // ON, ONCE, OFF
    std::chrono::milliseconds command_timeout{5'000};   // silence after which a command counts as unanswered
    std::chrono::milliseconds poll_period{1'000};
    std::optional<OpenRun> open_run;  // run.started is durable, run.finished and run.aborted are not
    // SHA-256 of this instrument's last committed transfer (the first file of its last run.finished). Data on the reader that equal it were
    // committed before a crash and only want clearing. Empty: none known.
    std::string stored_sha256;
};

class SpectraMax final : public Driver {
 public:
    static constexpr bool tried_on_hardware = false;
    static constexpr std::string_view name = "spectramax";
    static constexpr int attempts_max = 3;     // of one command; then this connection is given up
    static constexpr int transfers_max = 5;    // of one plate; then its bytes are stored as an unreadable run and the reader keeps the data
    static constexpr int empty_looks_max = 3;  // idle without data so often in a row: the open run is aborted
    static constexpr std::chrono::seconds unreadable_retry{60};  // such a plate is asked for again so often; only success is stored
    static constexpr std::chrono::milliseconds quiet{500};       // silence that ends a damaged or late reply
    static constexpr std::chrono::milliseconds confirmed{200};   // silence behind a transfer before it is believed whole
    static constexpr std::chrono::seconds reply_time_max{180};   // for one whole reply, however steadily it trickles; then it is unanswered

    SpectraMax(Transport& transport, Clock& clock, Options options);

    Task<Result<std::string>> identify() override;
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;
    Task<Result<void>> start(StartRequest request) override;
    std::string activity() const override;
    bool ticking() const override;
    std::optional<Error> trouble() const override;

 private:
    struct Exchange {
        std::string raw;                // the reply's own bytes, also when damaged or cut short
        Result<Reply> reply = Reply{};  // `refused`: damaged; `timed_out`: silence; others: the line is gone
    };
    struct Collected {
        enum class Kind : std::uint8_t { nothing, plate, unreadable };
        Kind kind = Kind::nothing;
        std::string bytes;  // plate: the reply to !TRANSFER; unreadable: everything that came
        std::string sha256;
        Transfer transfer;
        std::string reason;  // unreadable
        std::vector<std::string> notes;
    };
    struct Pending {
        std::uint64_t number = 0;
        std::string sha256;  // what the reader may forget after the commit; empty: nothing
    };

    bool silent() const;                           // it was asked and has not answered
    static bool line_is_gone(Error const& error);  // neither damage nor silence: this connection is over

    Task<Exchange> exchange(std::string command, bool until_quiet);
    Task<Result<Reply>> ask(std::string command);
    Task<Result<Status>> ask_status();
    Task<Result<void>> settle();
    Task<Result<void>> greet();
    Task<Result<Collected>> collect();
    Task<Result<void>> clear_if_equal(std::string sha256);
    Task<Result<std::optional<Batch>>> look();
    Task<Result<Batch>> serve();
    Task<Result<void>> begin(StartRequest what);
    Task<void> pause();

    RunIdentity identity(std::string_view sha256) const;
    Batch plate_batch(Collected const& collected);
    Batch unreadable_batch(Collected const& collected);
    Batch aborted_batch();
    Batch numbered(std::vector<Draft> records, std::string sha256);
    std::vector<std::string> set_up() const;

    Transport& transport_;
    Clock& clock_;
    Options options_;
    std::uint64_t received_ = 0;  // bytes from the transport, ever
    bool greeted_ = false;
    bool dirty_ = true;                  // bytes of an earlier reply may still come
    bool look_ = true;                   // the reader may hold data that were not looked at
    std::optional<OpenRun> unreadable_;  // the run that holds what came of a plate which could not be read and is still on the reader
    Clock::Instant look_again_;          // when such a plate is asked for again
    int empty_looks_ = 0;
    std::uint64_t damaged_ = 0;  // replies
    Status status_;
    Clock::Instant last_heard_;
    std::optional<Clock::Instant> measuring_since_;
    std::string started_;  // our wall clock when the read was commanded or first seen
    std::uint64_t batches_ = 0;
    Pending pending_;
    StartDesk desk_;
};

}  // namespace marrowlink::spectramax
