#include "drivers/astm/driver.hpp"

#include <fmt/format.h>

#include <array>

#include "core/log.hpp"
#include "drivers/astm/message.hpp"
#include "drivers/transcript.hpp"

namespace marrowlink::astm {

AstmDriver::AstmDriver(Options options, Transport& transport, Clock& clock)
    : options_(std::move(options)), transport_(transport), clock_(clock) {}

Task<Result<std::string>> AstmDriver::identify() {
    co_return std::string{"ASTM link (this driver has not been tried on a real instrument yet)"};
}

Task<Result<Batch>> AstmDriver::next() {
    std::array<std::byte, 16 << 10> chunk;
    for (;;) {
        for (Event event = next_event(buffer_); event.heard != Heard::nothing && !ended_; event = next_event(buffer_)) {
            // A damaged byte of the frame that is refused: answered, it would be taken for the answer to that frame.
            bool const damage = event.heard == Heard::enquiry && answer_ == nak;
            if (event.heard == Heard::enquiry && !damage && !message_.empty())
                co_return unreadable(std::exchange(message_, {}), "The instrument began anew inside a message.");
            char const answer = damage ? answer_ : take(event);
            if (event.heard != Heard::noise) answer_ = answer;
            seen_ += event.bytes;
            buffer_.erase(0, event.bytes);
        }
        auto const told = co_await answer_last();
        if (!told) co_return fail(told.error());
        if (ended_) co_return message_batch();
        if (message_.size() > message_bytes_max)
            co_return unreadable(std::exchange(message_, {}), fmt::format("A message is longer than {} bytes.", message_bytes_max));
        if (noise_.size() > noise_bytes_max)
            co_return unreadable(std::exchange(noise_, {}), "Bytes came that are no frames of an ASTM link.");
        if (next_event(buffer_).heard != Heard::nothing) continue;
        Clock::Instant const patience = transferring_ ? clock_.now() + frame_timeout : Clock::Instant::max();
        auto const got = co_await transport_.read_some(chunk, patience);
        if (got) {
            buffer_.append(reinterpret_cast<char const*>(chunk.data()), *got);
            changed();
            continue;
        }
        if (got.error().fault == Fault::timed_out) {
            transferring_ = false;
            log::warn("astm.transfer_stopped", {{"instrument", options_.instrument}, {"frame_timeout_s", frame_timeout.count()}});
            changed();
            if (!message_.empty()) co_return unreadable(std::exchange(message_, {}), "The instrument stopped inside a message.");
            continue;
        }
        // The sender begins again; what was heard is kept beside it.
        if (got.error().fault == Fault::closed && !(message_ + noise_ + buffer_).empty()) {
            seen_ += buffer_.size();
            std::string const all = std::exchange(message_, {}) + std::exchange(noise_, {}) + std::exchange(buffer_, {});
            co_return unreadable(all, "The connection ended inside a message.");
        }
        co_return fail(got.error());
    }
}

// An answer names nothing: the sender takes it for the answer to what it sent last. Where the commit took longer than the sender's
// patience, it has gone on meanwhile, and an answer to what it gave up would pass for one to a frame that is not here yet.
Task<Result<void>> AstmDriver::answer_last() {
    auto const gone_on = [this] { return buffer_.find_first_not_of("\r\n") != std::string::npos; };
    char const answer = std::exchange(answer_, char{0});
    if (answer == 0 || !options_.answers || gone_on()) co_return Result<void>{};
    std::array<std::byte, 512> chunk;
    auto const more = co_await transport_.read_some(chunk, clock_.now());
    if (more) buffer_.append(reinterpret_cast<char const*>(chunk.data()), *more);
    if (gone_on()) {
        log::warn("astm.answer_too_late", {{"instrument", options_.instrument}});
        co_return Result<void>{};
    }
    co_return co_await transport_.write(std::as_bytes(std::span{&answer, 1}));
}

// The frames were answered when they were durable, which was before they were seen.
Task<Result<void>> AstmDriver::acknowledge(Receipt) { co_return Result<void>{}; }

std::string AstmDriver::activity() const { return transferring_ ? "sending a message" : ""; }

char AstmDriver::take(Event const& event) {
    switch (event.heard) {
        case Heard::nothing: return 0;
        case Heard::enquiry:
            transferring_ = true;
            last_frame_.clear();
            return ack;
        case Heard::frame:
            if (!transferring_) return 0;
            take_frame(event);
            return ack;
        case Heard::damaged:
            log::warn("astm.frame_damaged", {{"instrument", options_.instrument}, {"bytes", event.bytes}});
            if (!transferring_) noise_ += buffer_.substr(0, event.bytes);
            return transferring_ ? nak : char{0};
        case Heard::end:
            transferring_ = false;
            ended_ = !message_.empty();
            return 0;
        case Heard::noise: {
            std::string_view const bytes = std::string_view{buffer_}.substr(0, event.bytes);
            if (bytes.find_first_not_of("\r\n\x06\x15") != std::string_view::npos) noise_ += bytes;
            return 0;
        }
    }
    return 0;
}

void AstmDriver::take_frame(Event const& event) {
    std::string frame = event.number + std::string{event.text};
    if (frame == last_frame_) return;  // our answer was lost
    if (!last_frame_.empty() && event.number != static_cast<char>('0' + (last_frame_[0] - '0' + 1) % 8))
        log::warn("astm.frame_number",
                  {{"instrument", options_.instrument}, {"number", std::string(1, event.number)}, {"after", last_frame_.substr(0, 1)}});
    last_frame_ = std::move(frame);
    message_ += event.text;
    // The link may be lost before EOT: the message is there when its last record is.
    ended_ = ends_message(message_);
}

Batch AstmDriver::message_batch() {
    ended_ = false;
    std::string const bytes = std::exchange(message_, {});
    Message const message{bytes};
    if (!message.ended()) return unreadable(bytes, "The message ended without its L record.");
    std::string const sameness = hex(sha256(message.sameness()));
    auto const text = to_utf8(message.without_names(), options_.encoding);
    if (!text) return unreadable(bytes, text.error().message);
    if (!message.complete()) log::warn("astm.message_incomplete", {{"instrument", options_.instrument}, {"specimen", message.specimen()}});
    Batch batch;
    RunIdentity const id{options_.instrument, "astm", run_id_of(options_.instrument, sameness, sameness), sameness};
    batch.consumed = seen_;
    Draft whole = run_message(id, *text);
    if (whole.data.size() <= block_bytes_max) {
        batch.records.push_back(std::move(whole));
        return batch;
    }
    // Curves in M records: more than one record holds.
    RunManifest manifest;
    manifest.arrived = rfc3339(clock_.utc());
    std::string const digest = hex(sha256(*text));
    manifest.files.push_back({"transcript", "astm", digest, digest, text->size(), 0});
    for (Draft& chunk : run_file(id, *text, digest)) batch.records.push_back(std::move(chunk));
    batch.records.push_back(run_finished(id, manifest));
    return batch;
}

Batch AstmDriver::unreadable(std::string bytes, std::string reason) {
    Batch batch = unreadable_run(options_.instrument, "astm", std::move(bytes), Names::possible, std::move(reason), rfc3339(clock_.utc()));
    batch.consumed = seen_;
    return batch;
}

}  // namespace marrowlink::astm
