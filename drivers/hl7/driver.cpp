#include "drivers/hl7/driver.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/log.hpp"
#include "drivers/hl7/message.hpp"
#include "drivers/hl7/parse.hpp"
#include "drivers/transcript.hpp"

namespace marrowlink::hl7 {

namespace {

// 2026-11-25T02:30:00.123Z is 20261125023000+0000.
std::string time_of(Clock::Utc when) {
    std::string out;
    for (char const c : rfc3339(when).substr(0, 19))
        if (c >= '0' && c <= '9') out += c;
    return out + "+0000";
}

}  // namespace

Hl7Driver::Hl7Driver(Options options, Transport& transport, Clock& clock)
    : options_(std::move(options)), transport_(transport), clock_(clock) {}

Task<Result<std::string>> Hl7Driver::identify() {
    co_return std::string{"HL7 v2 over MLLP (this driver has not been tried on a real instrument yet)"};
}

Task<Result<Batch>> Hl7Driver::next() {
    std::array<std::byte, 16 << 10> chunk;
    for (;;) {
        for (Event event = next_event(buffer_); event.heard != Heard::nothing; event = next_event(buffer_)) {
            // Bytes that a batch has accounted for are no longer journalled, so what came first goes first.
            if (event.heard != Heard::noise && !noise_.empty()) co_return unreadable_noise();
            std::string const bytes = buffer_.substr(0, event.bytes);
            std::string const text{event.text};
            seen_ += bytes.size();
            buffer_.erase(0, bytes.size());
            auto batch = take(event.heard, bytes, text);
            if (batch) co_return *std::move(batch);
        }
        bool const waiting = !buffer_.empty() || !noise_.empty();
        Clock::Instant const limit = waiting ? clock_.now() + patience : Clock::Instant::max();
        auto const got = co_await transport_.read_some(chunk, limit);
        if (got) {
            buffer_.append(reinterpret_cast<char const*>(chunk.data()), *got);
            changed();
            continue;
        }
        bool const late = got.error().fault == Fault::timed_out;
        if (!waiting && late) continue;
        if (!waiting || (!late && got.error().fault != Fault::closed)) co_return fail(got.error());
        if (!noise_.empty()) co_return unreadable_noise();
        seen_ += buffer_.size();
        co_return unreadable(std::exchange(buffer_, {}),
                             late ? "The sender stopped inside a message." : "The connection ended inside a message.");
    }
}

Task<Result<void>> Hl7Driver::acknowledge(Receipt) {
    std::string const answer = std::exchange(answer_, {});
    if (answer.empty()) co_return Result<void>{};
    co_return co_await transport_.write(std::as_bytes(std::span{answer}));
}

std::string Hl7Driver::activity() const { return buffer_.empty() ? "" : "sending a message"; }

std::optional<Batch> Hl7Driver::take(Heard heard, std::string bytes, std::string_view text) {
    switch (heard) {
        case Heard::nothing: break;
        case Heard::message: return message_batch(text);
        case Heard::cut: return unreadable(std::move(bytes), "The sender began anew inside a message.");
        case Heard::too_long: return unreadable(std::move(bytes), fmt::format("A message is longer than {} bytes.", message_bytes_max));
        case Heard::noise:
            // Some senders write line ends between messages.
            if (!noise_.empty() || bytes.find_first_not_of("\r\n") != std::string::npos) noise_ += bytes;
            if (noise_.size() > noise_bytes_max) return unreadable_noise();
            break;
    }
    return std::nullopt;
}

Batch Hl7Driver::message_batch(std::string_view text) {
    auto const header = Message::header_of(text);
    auto const document = parse(text, options_.encoding);
    bool const named = header && !header->header(10).empty();
    bool const results = header && header->component(header->header(9), 1) == "ORU";
    Answer const answer = named && results ? Answer::accept : Answer::reject;
    answer_.clear();
    for (std::string const& one : acknowledgements(header ? &*header : nullptr, answer, time_of(clock_.utc()))) answer_ += framed(one);
    if (!document) return unreadable(std::string{text}, document.error().message);
    std::string const digest = hex(sha256(sameness(text)));
    std::string const key = sourcekey_of(document->identity, digest);
    RunIdentity const id{options_.instrument, "hl7", run_id_of(options_.instrument, key, digest), key};
    Batch batch = transcript_run(id, std::string{text}, *document, rfc3339(clock_.utc()));
    batch.consumed = seen_;
    return batch;
}

Batch Hl7Driver::unreadable(std::string bytes, std::string reason) {
    log::warn("hl7.message_unreadable", {{"instrument", options_.instrument}, {"reason", reason}});
    Batch batch = unreadable_run(options_.instrument, "hl7", std::move(bytes), Names::possible, std::move(reason), rfc3339(clock_.utc()));
    batch.consumed = seen_;
    return batch;
}

Batch Hl7Driver::unreadable_noise() {
    std::string reason =
        noise_.starts_with("MSH")
            ? "An HL7 message came without the frame of MLLP (0B before it, 1C 0D behind it); set the sender to MLLP."
            : fmt::format("Bytes came outside of a message, the first is {:02X}; expected the frame of MLLP, which begins with 0B.",
                          static_cast<unsigned char>(noise_[0]));
    return unreadable(std::exchange(noise_, {}), std::move(reason));
}

}  // namespace marrowlink::hl7
