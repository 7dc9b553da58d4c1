// An Agilent BioTek reader on a serial line, heard and not commanded: each plate that it sends is a run. Facts: notes.md.
#pragma once

#include <string>

#include "core/clock.hpp"
#include "drivers/biotek/protocol.hpp"
#include "drivers/driver.hpp"

namespace marrowlink::biotek {

struct Options {
    std::string instrument;      // configured id
    bool asks = false;           // may ask for version and serial number when the connection begins and the line is quiet
    std::uint64_t position = 0;  // bytes that this reader had sent before this connection
};

// Its transport is journalled: the reader cannot send a plate again. It names no plate either, so the same bytes twice are two plates: a
// run's key is the SHA-256 of its bytes with their place among all that ever came.
class BiotekDriver final : public Driver {
 public:
    static constexpr bool tried_on_hardware = false;
    static constexpr std::chrono::seconds patience{600};        // without a byte inside a plate; a luminescence read may take minutes
    static constexpr std::chrono::seconds quiet{3};             // without a byte before the reader is asked anything
    static constexpr std::chrono::seconds answer_patience{1};   // for the answer
    static constexpr std::size_t passed_bytes_max = 64u << 10;  // of answers to others before the journal may forget them
    static constexpr std::size_t noise_bytes_max = 64u << 10;   // of other bytes before they are kept as unreadable

    BiotekDriver(Options options, Transport& transport, Clock& clock);

    Task<Result<std::string>> identify() override;
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;
    std::string activity() const override;
    std::optional<Error> trouble() const override { return trouble_; }

 private:
    Task<Result<void>> hear(Clock::Instant limit);
    Task<Result<std::string>> ask(char letter);
    std::string taken(std::size_t bytes);
    void note_answer(Event const& event);
    Batch plate_batch(std::string bytes);
    Batch unreadable(std::string bytes, std::string reason);
    Batch accounted(Batch batch);

    Options options_;
    Transport& transport_;
    Clock& clock_;
    std::string buffer_;      // received, not yet an event
    std::uint64_t seen_ = 0;  // bytes of the transport that were events
    std::uint64_t told_ = 0;  // of them, in batches
    std::string noise_;
    std::optional<Error> trouble_;
};

}  // namespace marrowlink::biotek
