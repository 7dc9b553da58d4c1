#include "drivers/biorad/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "core/log.hpp"
#include "drivers/biorad/parse.hpp"
#include "drivers/transcript.hpp"

namespace marrowlink::biorad {

namespace {
constexpr std::string_view untried = "The driver has not been tried on a real reader yet: compare this run with the reader's printout.";
constexpr std::string_view good = "0000";
}  // namespace

BioradDriver::BioradDriver(Options options, Transport& transport, Clock& clock)
    : options_(std::move(options)), transport_(transport), clock_(clock) {
    if (options_.open_run) repeat_at_ = clock_.now();
}

Task<Result<std::string>> BioradDriver::identify() {
    // It may be reading.
    if (options_.open_run) co_return std::string{"Bio-Rad reader (this driver has not been tried on a real reader yet)"};
    auto const answer = co_await ask("ID");
    if (!answer && answer.error().fault == Fault::refused) co_return std::string{"Bio-Rad reader, sending a plate"};
    if (!answer) co_return fail(answer.error());
    // Which before remote control is its answer to everything.
    std::string const id{answer->code == good ? answer->text : ""};
    taken(answer->bytes);
    co_return fmt::format("Bio-Rad reader{}{} (this driver has not been tried on a real reader yet)", id.empty() ? "" : " ", id);
}

std::string BioradDriver::activity() const {
    if (asked_ == Asked::read) return "reading";
    return options_.open_run ? "asked for its plate again" : "";
}

std::string BioradDriver::taken(std::size_t bytes) {
    std::string out = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return out;
}

Task<Result<void>> BioradDriver::say(std::string command, Asked asked) {
    std::string const line = encode(command);
    auto const sent = co_await transport_.write(std::as_bytes(std::span{line}));
    if (!sent) co_return fail(sent.error());
    asked_ = asked;
    until_ = clock_.now() + (asked == Asked::read ? std::chrono::seconds{read_patience} : quiet);
    changed();
    co_return Result<void>{};
}

Task<Result<void>> BioradDriver::hear(Clock::Instant limit) {
    std::array<std::byte, 2048> chunk;
    auto const got = co_await transport_.read_some(chunk, limit);
    if (!got) co_return fail(got.error());
    buffer_.append(reinterpret_cast<char const*>(chunk.data()), *got);
    received_ += *got;
    // The reader holds its last plate, so an adapter need not keep these bytes for us.
    transport_.release(received_);
    // A plate has begun; until then a read takes its time.
    if (asked_ != Asked::read || buffer_.find("ERE ") != std::string::npos) until_ = clock_.now() + quiet;
    co_return Result<void>{};
}

Task<Result<Event>> BioradDriver::ask(std::string command) {
    auto const said = co_await say(command, Asked::nothing);
    if (!said) co_return fail(said.error());
    Clock::Instant const limit = clock_.now() + answer_patience;
    for (;;) {
        Event const event = next_event(buffer_);
        if (event.heard == Heard::answer) co_return event;
        if (event.heard == Heard::noise) taken(event.bytes);
        if (event.heard == Heard::plate || event.heard == Heard::cut)
            co_return fail(Fault::refused, "The reader is sending a plate; ask again when it has been read.");
        if (event.heard != Heard::nothing) continue;
        auto const heard = co_await hear(limit);
        if (!heard && heard.error().fault == Fault::timed_out)
            co_return fail(Fault::timed_out, fmt::format("The reader did not answer {} within {} s. Is it switched on and the cable in?",
                                                         command, answer_patience.count()));
        if (!heard) co_return fail(heard.error());
    }
}

Task<Result<void>> BioradDriver::start(StartRequest what) {
    if (options_.read.empty())
        co_return fail(Fault::refused,
                       "The configuration does not say how this reader reads (its key \"read\"); start it where it is commanded.");
    if (listening_) transport_.interrupt();  // it looks up when the request stands on the desk
    co_return co_await desk_.ask(std::move(what), clock_);
}

Task<Result<std::optional<std::string>>> BioradDriver::held() {
    if (options_.read.empty()) co_return std::optional<std::string>{};
    auto const held = std::make_shared<std::optional<std::string>>();
    StartRequest look;
    look.tell_held = [held](std::string sha256) { *held = std::move(sha256); };
    if (listening_) transport_.interrupt();
    auto const looked = co_await desk_.ask(std::move(look), clock_);  // behind it the driver may be gone
    if (!looked) co_return fail(looked.error());
    co_return *held;
}

// A late answer must not pass for the next one.
Task<Result<void>> BioradDriver::settle() {
    for (;;) {
        auto const heard = co_await hear(clock_.now() + settled);
        if (!heard && heard.error().fault == Fault::timed_out) break;
        if (!heard) co_return fail(heard.error());
    }
    for (Event event = next_event(buffer_); event.heard == Heard::answer || event.heard == Heard::noise; event = next_event(buffer_))
        taken(event.bytes);
    co_return Result<void>{};
}

Task<Result<void>> BioradDriver::begin(StartRequest what) {
    if (options_.open_run)
        co_return fail(Fault::refused,
                       fmt::format("The reader is still busy with run {}; start again when it has ended.", options_.open_run->run));
    if (repeat_at_ || asked_ != Asked::nothing || !unread_.empty())
        co_return fail(Fault::refused, "The reader is still asked for its last plate; start again when that has come.");
    auto const quiet_now = co_await settle();
    if (!quiet_now) co_return fail(Fault::refused, quiet_now.error().message);
    auto const control = co_await ask("AQ");
    // Nothing has been begun yet, whatever the reason.
    if (!control) co_return fail(Fault::refused, control.error().message);
    std::string const code{control->code};
    taken(control->bytes);
    if (code != good) co_return fail(Fault::refused, fmt::format("The reader refused remote control: {}.", words_of(code)));
    if (what.tell_held) co_return co_await look(std::move(what.tell_held));
    options_.open_run = OpenRun{what.run, what.plate};
    co_return co_await say("RPLATE " + options_.read, Asked::read);
}

// Its last plate stands in the way of a lost start: asked for again, it would be taken for that of the new run. This outbox need not know
// it: it may have been restored since, or another program had the plate read.
Task<Result<void>> BioradDriver::look(std::function<void(std::string)> tell) {
    int none = 0;  // answers without a plate: one may be to a damaged command
    for (int attempt = 0; attempt < look_attempts_max; ++attempt) {
        auto const said = co_await say("RTPLATE", Asked::nothing);
        if (!said) co_return fail(said.error());
        Clock::Instant limit = clock_.now() + answer_patience;
        for (bool whole = true; whole;) {
            Event const event = next_event(buffer_);
            std::string const code{event.code}, text{event.text};
            taken(event.bytes);
            bool const plate = event.heard == Heard::plate && code == good && parse(text);
            bool const no_plate = event.heard == Heard::answer && text.empty();  // its code for that is not known
            if (plate || (no_plate && ++none == 2)) {
                if (plate) tell(options_.stored_sha256 = hex(sha256(text)));
                auto const released = co_await ask("RL");
                if (released) taken(released->bytes);
                co_return Result<void>{};
            }
            // Behind one that is cut another copy has begun already.
            whole = !no_plate && event.heard != Heard::plate;
            if (event.heard != Heard::nothing) continue;
            auto const heard = co_await hear(limit);
            if (!heard && heard.error().fault != Fault::timed_out) co_return fail(heard.error());
            whole = heard.has_value();
            if (!whole) buffer_.clear();
            limit = clock_.now() + answer_patience;
        }
    }
    auto const released = co_await ask("RL");
    if (released) taken(released->bytes);
    co_return fail(Fault::refused,
                   "The plate that the reader still holds could not be read undamaged, so that its next one could be mistaken for "
                   "it; nothing was started. Check the cable.");
}

Task<Result<Batch>> BioradDriver::next() {
    auto batch = co_await serve();
    if (!batch) desk_.refuse(batch.error());
    co_return batch;
}

Task<Result<Batch>> BioradDriver::serve() {
    for (;;) {
        for (Event event = next_event(buffer_); event.heard != Heard::nothing; event = next_event(buffer_)) {
            auto batch = co_await take(event);
            if (!batch) co_return fail(batch.error());
            if (*batch) co_return **std::move(batch);
        }
        std::function<Task<Result<void>>(StartRequest)> start = [this](StartRequest what) { return begin(std::move(what)); };
        co_await desk_.take_up(std::move(start));
        auto const asked = co_await waited();
        if (!asked) co_return fail(asked.error());
        if (desk_.waiting() || next_event(buffer_).heard != Heard::nothing) continue;
        listening_ = true;
        auto const heard = co_await hear(due());
        listening_ = false;
        if (!heard && heard.error().fault != Fault::timed_out) co_return fail(heard.error());
        if (heard || asked_ == Asked::nothing || clock_.now() < until_) continue;
        unread_ += std::exchange(buffer_, {});
        auto batch = co_await again("The reader stopped, or did not answer.");
        if (!batch) co_return fail(batch.error());
        if (*batch) co_return **std::move(batch);
    }
}

Clock::Instant BioradDriver::due() const {
    Clock::Instant const again = repeat_at_.value_or(Clock::Instant::max());
    return asked_ == Asked::nothing ? again : std::min(again, until_);
}

// Asks for the plate again where its time has come: first for remote control, which somebody may have ended at the reader.
Task<Result<void>> BioradDriver::waited() {
    if (!repeat_at_ || clock_.now() < *repeat_at_) co_return Result<void>{};
    repeat_at_.reset();
    co_return co_await say("AQ", Asked::control);
}

Task<Result<std::optional<Batch>>> BioradDriver::take(Event event) {
    std::string const code{event.code}, text{event.text};
    std::string const bytes = taken(event.bytes);
    Asked const asked = asked_;
    if (event.heard == Heard::noise) {
        if (asked == Asked::read || asked == Asked::repeat) unread_ += bytes;
        co_return std::optional<Batch>{};
    }
    if (event.heard == Heard::cut) {
        unread_ += bytes;
        co_return co_await again("The plate has no end.");
    }
    if (event.heard == Heard::plate) {
        asked_ = Asked::nothing;
        auto document = parse(text);
        if (!document || code != good) {
            unread_ += bytes;
            std::string reason = document ? fmt::format("The plate came with {}.", words_of(code)) : document.error().message;
            co_return co_await again(std::move(reason));
        }
        std::string const digest = hex(sha256(text));
        // Asked for twice before a read, it may come twice.
        if (!options_.open_run && asked == Asked::nothing && digest == options_.stored_sha256) co_return std::optional<Batch>{};
        if (options_.open_run && asked == Asked::repeat && digest == options_.stored_sha256 && unread_.empty())
            co_return std::optional<Batch>{aborted("The reader holds the plate that it held before: this read did not take place.")};
        co_return std::optional<Batch>{plate(text, *std::move(document))};
    }
    if (asked == Asked::control && code == good) {
        auto const said = co_await say("RTPLATE", Asked::repeat);
        if (!said) co_return fail(said.error());
    } else if (asked == Asked::read && code != good) {
        co_return std::optional<Batch>{aborted(fmt::format("The reader did not read the plate: {}.", words_of(code)))};
    } else if (asked == Asked::control || asked == Asked::repeat) {
        std::string reason =
            code == good ? "The reader answered without a plate." : fmt::format("The reader answered with {}.", words_of(code));
        co_return co_await again(std::move(reason));
    }
    co_return std::optional<Batch>{};
}

Task<Result<std::optional<Batch>>> BioradDriver::again(std::string reason) {
    asked_ = Asked::nothing;
    log::warn("biorad.plate.asked_again", {{"instrument", options_.instrument}, {"reason", reason}});
    // Where nobody began a run and nothing was measured, nothing is owed.
    if (!options_.open_run && unread_.empty()) co_return std::optional<Batch>{};
    if (++attempts_ < attempts_max) {
        bool const came = !unread_.empty() && attempts_ == 1;
        repeat_at_ = clock_.now() + (came ? std::chrono::seconds{1} : repeat_pause);
        co_return std::optional<Batch>{};
    }
    if (unread_.empty()) co_return std::optional<Batch>{aborted(fmt::format("The reader gave no plate. {}", reason))};
    std::string const digest = hex(sha256(unread_));
    RunIdentity id{options_.instrument, "biorad", run_id_of(options_.instrument, digest, digest), digest};
    if (options_.open_run) id.run = id.sourcekey = options_.open_run->run;
    Batch batch;
    batch.records = run_unreadable(id, unread_, digest, 0, std::move(reason), rfc3339(clock_.utc()));
    forget_run();
    co_return std::optional<Batch>{std::move(batch)};
}

Batch BioradDriver::plate(std::string const& bytes, Document document) {
    std::string const digest = hex(sha256(bytes));
    RunIdentity id{options_.instrument, "biorad", run_id_of(options_.instrument, digest, digest), digest};
    if (options_.open_run) {
        id.run = id.sourcekey = options_.open_run->run;
        document.plate = options_.open_run->plate;
    }
    if (attempts_ > 0) document.notes.emplace_back("The reader sent this plate more than once, as it did not arrive whole the first time.");
    document.notes.emplace_back(untried);
    options_.stored_sha256 = digest;
    log::info("biorad.plate.read", {{"instrument", options_.instrument}, {"run", id.run}});
    Batch batch = transcript_run(id, bytes, document, rfc3339(clock_.utc()));
    forget_run();
    return batch;
}

Batch BioradDriver::aborted(std::string reason) {
    Batch batch;
    if (options_.open_run) {
        RunIdentity const id{options_.instrument, "biorad", options_.open_run->run, options_.open_run->run};
        batch.records.push_back(run_aborted(id, reason));
    }
    log::error("biorad.run.aborted", {{"instrument", options_.instrument}, {"reason", reason}});
    forget_run();
    return batch;
}

void BioradDriver::forget_run() {
    options_.open_run.reset();
    asked_ = Asked::nothing;
    repeat_at_.reset();
    unread_.clear();
    attempts_ = 0;
    release_ = true;
    changed();
}

Task<Result<void>> BioradDriver::acknowledge(Receipt) {
    if (!std::exchange(release_, false)) co_return Result<void>{};
    // Its answer is heard here, or it would pass for another's; that it has none is no reason to end the connection.
    auto const answer = co_await ask("RL");
    if (answer) taken(answer->bytes);
    if (!answer && answer.error().fault != Fault::timed_out && answer.error().fault != Fault::refused) co_return fail(answer.error());
    co_return Result<void>{};
}

}  // namespace marrowlink::biorad
