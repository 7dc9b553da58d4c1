// An instrument that sends its results by itself over an ASTM link: each message one run, whole in one record. Facts: notes.md.
#pragma once

#include <string>

#include "core/clock.hpp"
#include "core/text.hpp"
#include "drivers/astm/link.hpp"
#include "drivers/driver.hpp"

namespace marrowlink::astm {

struct Options {
    std::string instrument;  // configured id
    TextEncoding encoding = TextEncoding::latin_1;
    bool answers = true;  // false: an adapter has answered the frames already
};

// Its transport is journalled: bytes are durable before they are seen here, so a frame is answered at once, unless its sender has
// gone on meanwhile. A frame without an enquiry
// before it is not answered, and so comes again from the beginning.
class AstmDriver final : public Driver {
 public:
    static constexpr bool tried_on_hardware = false;
    static constexpr std::size_t message_bytes_max = 1u << 20;  // of one message; a longer one is kept as unreadable
    static constexpr std::size_t noise_bytes_max = 64u << 10;   // of bytes outside of frames before they are kept as unreadable
    static constexpr std::chrono::seconds frame_timeout{30};    // without a frame a transfer is over

    AstmDriver(Options options, Transport& transport, Clock& clock);

    Task<Result<std::string>> identify() override;
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;
    std::string activity() const override;

 private:
    // What the event asks to be answered; 0: nothing.
    char take(Event const& event);
    void take_frame(Event const& event);
    Task<Result<void>> answer_last();
    Batch message_batch();
    Batch unreadable(std::string bytes, std::string reason);

    Options options_;
    Transport& transport_;
    Clock& clock_;
    std::string buffer_;      // received, not yet an event
    std::uint64_t seen_ = 0;  // bytes of the transport that were events
    std::string message_;     // of the transfer's frames so far
    std::string last_frame_;  // with its number, as it was accepted
    std::string noise_;
    char answer_ = 0;  // due to what was heard last
    bool transferring_ = false, ended_ = false;
};

}  // namespace marrowlink::astm
