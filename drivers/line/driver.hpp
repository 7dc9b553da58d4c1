// An instrument that speaks in lines: each line is one message, each message one run, whole in one record. Facts: drivers/line/notes.md.
#pragma once

#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/run.hpp"
#include "core/text.hpp"
#include "drivers/driver.hpp"

namespace marrowlink {

struct LineSettings {
    std::string instrument;  // configured id
    std::string terminator = "\n";
    TextEncoding encoding = TextEncoding::utf_8;
    int key_field = 0;                   // which word, from 1, is the source's own key; 0 or absent in a line: SHA-256, see below
    std::string acknowledgement;         // sent after the commit, "{key}" replaced; empty: the source cannot repeat itself
    std::uint64_t position = 0;          // bytes this source had sent before this connection (journalled sources)
    std::uint64_t bytes_max = 16 << 10;  // of one line; see below
};

// The key of a line without one is the SHA-256 of the line where the source waits for an acknowledgement, since the same bytes are then a
// repetition. A source that never repeats itself may well measure the same twice: there the line's place among all its bytes is hashed with
// it.
//
// A line that is not text in the configured encoding, or longer than `bytes_max`, is kept as bytes (run.file) under a manifest that says
// "unreadable" and why. It is acknowledged like any other, because it is durable like any other; only of an overlong line there is no
// telling where its key would have been, and it is not acknowledged.
class LineDriver final : public Driver {
 public:
    static constexpr std::size_t batch_lines_max = 512;  // more lines than this wait in the socket for the next batch
    static constexpr std::size_t key_bytes_max = 128;    // a longer key is replaced by the SHA-256 of the line

    LineDriver(LineSettings settings, Transport& transport, Clock& clock);

    Task<Result<std::string>> identify() override;
    Task<Result<Batch>> next() override;
    Task<Result<void>> acknowledge(Receipt receipt) override;

 private:
    Batch take_lines();
    void take_line(Batch& batch, std::string_view line, std::uint64_t place);
    void keep_unreadable(Batch& batch, std::string_view bytes, std::string reason);

    LineSettings settings_;
    Transport& transport_;
    Clock& clock_;
    std::string buffer_;  // received, not yet part of a batch
    std::uint64_t consumed_ = 0;
    std::string acknowledgements_;  // of the batch handed out last
    bool skipping_ = false;         // inside an overlong line
};

}  // namespace marrowlink
