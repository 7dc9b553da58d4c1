#include "gateway/journal.hpp"

#include <algorithm>

namespace marrowlink {

JournalledTransport::JournalledTransport(std::unique_ptr<Transport> line, Outbox& outbox, std::string instrument, std::uint64_t position)
    : line_(std::move(line)), outbox_(outbox), instrument_(std::move(instrument)), position_(position) {}

Task<Result<std::size_t>> JournalledTransport::read_some(std::span<std::byte> into, Clock::Instant deadline) {
    auto const got = co_await line_->read_some(into, deadline);
    if (!got) co_return fail(got.error());
    Append append;
    append.journal_instrument = instrument_;
    append.journal_start = position_;
    append.journal_bytes.assign(reinterpret_cast<char const*>(into.data()), *got);
    auto const kept = co_await outbox_.append(std::move(append));
    if (!kept) co_return fail(kept.error());
    position_ += *got;
    returned_ += *got;
    line_->release(returned_);
    co_return *got;
}

Task<Result<void>> JournalledTransport::write(std::span<std::byte const> bytes) { co_return co_await line_->write(bytes); }

Task<Result<std::size_t>> ReplayTransport::read_some(std::span<std::byte> into, Clock::Instant) {
    std::size_t const count = std::min(into.size(), bytes_.size() - given_);
    if (count == 0) co_return fail(Fault::closed, "The journal has been read to its end.");
    std::copy_n(reinterpret_cast<std::byte const*>(bytes_.data()) + given_, count, into.begin());
    given_ += count;
    co_return count;
}

Task<Result<void>> ReplayTransport::write(std::span<std::byte const>) { co_return Result<void>{}; }

}  // namespace marrowlink
