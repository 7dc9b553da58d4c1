#include "drivers/biotek/driver.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/log.hpp"
#include "drivers/biotek/parse.hpp"
#include "drivers/transcript.hpp"

namespace marrowlink::biotek {

BiotekDriver::BiotekDriver(Options options, Transport& transport, Clock& clock)
    : options_(std::move(options)), transport_(transport), clock_(clock) {}

Task<Result<std::string>> BiotekDriver::identify() {
    constexpr std::string_view untried = " (this driver has not been tried on a real reader yet)";
    if (!options_.asks) co_return fmt::format("BioTek reader, not asked who it is{}", untried);
    // A question in the middle of a read might spoil it, and what the reader says then is no answer.
    auto const heard = co_await hear(clock_.now() + quiet);
    if (heard) co_return fmt::format("BioTek reader, in the middle of something{}", untried);
    if (heard.error().fault != Fault::timed_out) co_return fail(heard.error());
    std::string words = "BioTek";
    for (char const letter : {'e', 'C'}) {
        auto const answer = co_await ask(letter);
        if (!answer && answer.error().fault == Fault::timed_out) co_return fmt::format("BioTek reader that does not answer{}", untried);
        if (!answer) co_return fail(answer.error());
        words += ' ' + *answer;
    }
    co_return words + std::string{untried};
}

Task<Result<std::string>> BiotekDriver::ask(char letter) {
    auto const sent = co_await transport_.write(std::as_bytes(std::span{&letter, 1}));
    if (!sent) co_return fail(sent.error());
    Clock::Instant const limit = clock_.now() + answer_patience;
    for (;;) {
        auto const heard = co_await hear(limit);
        if (!heard) co_return fail(heard.error());
        Event const event = next_event(buffer_);
        if (event.heard == Heard::nothing) continue;
        if (event.heard != Heard::answer) co_return fail(Fault::timed_out, "The reader said something else.");
        std::string const text{event.text};
        note_answer(event);
        taken(event.bytes);
        co_return text;
    }
}

Task<Result<void>> BiotekDriver::hear(Clock::Instant limit) {
    std::array<std::byte, 4096> chunk;
    auto const got = co_await transport_.read_some(chunk, limit);
    if (!got) co_return fail(got.error());
    buffer_.append(reinterpret_cast<char const*>(chunk.data()), *got);
    changed();
    co_return Result<void>{};
}

Task<Result<Batch>> BiotekDriver::next() {
    for (;;) {
        for (Event event = next_event(buffer_); event.heard != Heard::nothing; event = next_event(buffer_)) {
            // Bytes that a batch has accounted for are no longer journalled, so what came first goes first.
            bool const makes_batch = event.heard == Heard::plate || event.heard == Heard::cut;
            if (makes_batch && !noise_.empty())
                co_return unreadable(std::exchange(noise_, {}), "Bytes came that are neither a plate nor an answer.");
            if (event.heard == Heard::answer) note_answer(event);
            Heard const what = event.heard;
            std::string bytes = taken(event.bytes);
            if (what == Heard::plate) co_return plate_batch(std::move(bytes));
            if (what == Heard::cut)
                co_return unreadable(std::move(bytes), "The plate has no end: another began behind it, or it is too long.");
            if (what == Heard::noise && (!noise_.empty() || bytes.find_first_not_of("\r\n\x06") != std::string::npos)) noise_ += bytes;
            if (noise_.size() > noise_bytes_max)
                co_return unreadable(std::exchange(noise_, {}), "Bytes came that are neither a plate nor an answer.");
            if (noise_.empty() && seen_ - told_ > passed_bytes_max) co_return accounted({});
        }
        bool const waiting = !buffer_.empty() || !noise_.empty();
        Clock::Instant const limit = waiting ? clock_.now() + patience : Clock::Instant::max();
        auto const heard = co_await hear(limit);
        if (heard) continue;
        bool const late = heard.error().fault == Fault::timed_out;
        if (!waiting && late) continue;
        if (!waiting || (!late && heard.error().fault != Fault::closed)) co_return fail(heard.error());
        if (!noise_.empty()) co_return unreadable(std::exchange(noise_, {}), "Bytes came that are neither a plate nor an answer.");
        std::string bytes = taken(buffer_.size());
        // A letter's acknowledgement may stand alone.
        if (bytes == "\x06") continue;
        co_return unreadable(std::move(bytes), late ? "The reader stopped inside a plate." : "The connection ended inside a plate.");
    }
}

Task<Result<void>> BiotekDriver::acknowledge(Receipt) { co_return Result<void>{}; }

std::string BiotekDriver::activity() const { return plate_begins(buffer_) ? "sending a plate" : ""; }

std::string BiotekDriver::taken(std::size_t bytes) {
    std::string out = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    seen_ += bytes;
    return out;
}

void BiotekDriver::note_answer(Event const& event) {
    if (event.status.empty()) return;
    if (event.status == "0000")
        trouble_.reset();
    else
        trouble_ = Error{Fault::refused, fmt::format("The reader answered with {}.", words_of(event.status))};
    changed();
}

Batch BiotekDriver::plate_batch(std::string bytes) {
    auto const document = parse(bytes);
    if (!document) return unreadable(std::move(bytes), document.error().message);
    trouble_.reset();
    std::string const digest = hex(sha256(bytes));
    std::string const key = hex(sha256(fmt::format("{}@{}", digest, options_.position + seen_)));
    RunIdentity const id{options_.instrument, "biotek", run_id_of(options_.instrument, key, digest), key};
    log::info("biotek.plate.read", {{"instrument", options_.instrument}, {"run", id.run}, {"readings", document->readings.size()}});
    return accounted(transcript_run(id, std::move(bytes), *document, rfc3339(clock_.utc())));
}

Batch BiotekDriver::unreadable(std::string bytes, std::string reason) {
    log::error("biotek.plate.unreadable", {{"instrument", options_.instrument}, {"reason", reason}});
    return accounted(
        unreadable_run(options_.instrument, "biotek", std::move(bytes), Names::none, std::move(reason), rfc3339(clock_.utc())));
}

Batch BiotekDriver::accounted(Batch batch) {
    batch.consumed = told_ = seen_;
    return batch;
}

}  // namespace marrowlink::biotek
