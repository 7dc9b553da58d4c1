// An instrument or laboratory system that sends HL7 v2 results over MLLP by itself: each message one run. Facts: notes.md.
#pragma once

#include <string>

#include "core/clock.hpp"
#include "core/text.hpp"
#include "drivers/driver.hpp"
#include "drivers/hl7/mllp.hpp"

namespace marrowlink::hl7 {

struct Options {
    std::string instrument;                         // configured id
    TextEncoding encoding = TextEncoding::latin_1;  // where MSH-18 names none
};

// Its transport is journalled. A message is answered AA once it is committed, whether or not it could be read, as its bytes are safe then;
// AR where it names nothing to answer to, or is no ORU^R01, which its sender then does not take for delivered.
class Hl7Driver final : public Driver {
 public:
    static constexpr bool tried_on_hardware = false;
    static constexpr std::size_t noise_bytes_max = 64u << 10;  // of bytes outside of messages before they are kept as unreadable
    static constexpr std::chrono::seconds patience{30};        // without a byte, inside a message or behind bytes outside of one

    Hl7Driver(Options options, Transport& transport, Clock& clock);

    Task<Result<std::string>> identify() override;
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;
    std::string activity() const override;

 private:
    // Nothing: this event is no batch by itself.
    std::optional<Batch> take(Heard heard, std::string bytes, std::string_view text);
    Batch message_batch(std::string_view text);
    Batch unreadable(std::string bytes, std::string reason);
    Batch unreadable_noise();

    Options options_;
    Transport& transport_;
    Clock& clock_;
    std::string buffer_;      // received, not yet an event
    std::uint64_t seen_ = 0;  // bytes of the transport that were events
    std::string noise_;
    std::string answer_;  // to the message of the batch handed out last
};

}  // namespace marrowlink::hl7
