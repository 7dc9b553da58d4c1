// Bytes before meaning: for an instrument that cannot repeat itself, what it sent is durable before anyone parses it.
#pragma once

#include <memory>
#include <string>

#include "core/transport.hpp"
#include "gateway/outbox.hpp"

namespace marrowlink {

// A transport whose `read_some` returns only bytes that are already in the outbox's journal (one commit, shared with whoever else waits),
// and which lets the line forget them then.
class JournalledTransport final : public Transport {
 public:
    // `position`: how many bytes this instrument had sent before this connection.
    JournalledTransport(std::unique_ptr<Transport> line, Outbox& outbox, std::string instrument, std::uint64_t position);

    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override;
    Task<Result<void>> write(std::span<std::byte const> bytes) override;
    void interrupt() override { line_->interrupt(); }

 private:
    std::unique_ptr<Transport> line_;
    Outbox& outbox_;
    std::string instrument_;
    std::uint64_t position_;
    std::uint64_t returned_ = 0;
};

// What the journal held when the gateway started or the line came back: read once more, then `closed`, as the connection that brought it
// was.
class ReplayTransport final : public Transport {
 public:
    explicit ReplayTransport(std::string bytes) : bytes_(std::move(bytes)) {}

    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override;
    Task<Result<void>> write(std::span<std::byte const> bytes) override;  // nobody is there to hear it

 private:
    std::string bytes_;
    std::size_t given_ = 0;
};

}  // namespace marrowlink
