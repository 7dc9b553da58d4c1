#include "gateway/instrument.hpp"

#include <fmt/format.h>

#include "core/log.hpp"
#include "gateway/journal.hpp"

namespace marrowlink {

// Notes when the instrument was last heard; adds nothing else to the line.
class Instrument::Heard final : public Transport {
 public:
    Heard(std::unique_ptr<Transport> line, Instrument& owner) : line_(std::move(line)), owner_(owner) {}

    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override {
        auto const got = co_await line_->read_some(into, deadline);
        if (got) {
            owner_.status_.last_heard = owner_.clock_.now();
            owner_.listener_.on_heard(owner_.plan_.id, *owner_.status_.last_heard);
        }
        co_return got;
    }
    Task<Result<void>> write(std::span<std::byte const> bytes) override { return line_->write(bytes); }
    Task<Result<LinePlace>> resume(LinePlace from) override { return line_->resume(std::move(from)); }
    void interrupt() override { line_->interrupt(); }
    void release(std::uint64_t offset) override { line_->release(offset); }

 private:
    std::unique_ptr<Transport> line_;
    Instrument& owner_;
};

Instrument::Instrument(InstrumentPlan plan, Outbox& outbox, Clock& clock, Entropy& entropy, InstrumentListener& listener)
    : plan_(std::move(plan)), outbox_(outbox), clock_(clock), entropy_(entropy), listener_(listener) {}

Task<void> Instrument::run() {
    std::chrono::milliseconds backoff = backoff_first;
    for (;;) {
        auto const began = clock_.now();
        // Bytes that come in before the kept ones are accounted for would take their place.
        Result<void> end;
        if (plan_.journalled) end = co_await read_journal();
        if (!end) {
            become(ConnectionState::failed, end.error().message);
        } else {
            end = co_await connect_and_serve();
            driver_.reset();
            transport_.reset();
            if (!end) become(status_.state == ConnectionState::serving ? ConnectionState::failed : status_.state, end.error().message);
        }
        if (!end) complain(end.error().message);
        // A connection that held for a while was a good one: the next attempt comes soon.
        if (clock_.now() - began > std::chrono::seconds(30)) backoff = backoff_first;
        co_await clock_.sleep_for(backoff);
        backoff = std::min(backoff * 2, backoff_last);
    }
}

Task<Result<void>> Instrument::read_journal() {
    std::function<Result<std::pair<std::string, std::uint64_t>>(OutboxStore&)> read = [this](OutboxStore& store) {
        std::uint64_t start = 0;
        auto bytes = store.journal(plan_.id, start);
        return bytes.map([start](std::string text) { return std::pair{std::move(text), start}; });
    };
    auto kept = co_await outbox_.ask(std::move(read));
    if (!kept) co_return fail(kept.error());
    position_ = kept->second + kept->first.size();
    if (kept->first.empty()) co_return Result<void>{};
    ReplayTransport replay{std::move(kept->first)};
    InstrumentPlan::Connection connection;
    connection.transport = &replay;
    connection.position = kept->second;
    auto const recalled = co_await recall(connection);
    if (!recalled) co_return fail(recalled.error());
    auto const driver = plan_.driver(std::move(connection));
    auto const end = co_await serve(*driver, kept->second);
    if (end || end.error().fault == Fault::closed) co_return Result<void>{};
    if (end.error().fault != Fault::refused) co_return fail(end.error());
    log::warn("instrument.journal_not_understood", {{"instrument", plan_.id}, {"reason", end.error().message}});
    co_return Result<void>{};
}

Task<Result<void>> Instrument::connect_and_serve() {
    InstrumentPlan::Connection connection;
    if (plan_.transport) {
        become(ConnectionState::waiting_for_port, status_.detail);
        auto opened = co_await plan_.transport->open();
        if (!opened) co_return fail(opened.error());
        transport_ = std::make_unique<Heard>(std::move(*opened), *this);
        if (plan_.journalled) {
            auto const resumed = co_await resume();
            if (!resumed) co_return fail(resumed.error());
        }
        if (plan_.journalled) transport_ = std::make_unique<JournalledTransport>(std::move(transport_), outbox_, plan_.id, position_);
        connection.transport = transport_.get();
        connection.position = position_;
    }
    if (!plan_.on_bus || status_.state != ConnectionState::waiting_for_port) become(ConnectionState::connecting, "");
    auto const recalled = co_await recall(connection);
    if (!recalled) co_return fail(recalled.error());
    status_.run = connection.open_run ? connection.open_run->run : "";
    status_.plate = connection.open_run ? connection.open_run->plate : "";
    driver_ = plan_.driver(std::move(connection));
    driver_->on_change([this] { listener_.on_changed(plan_.id); });
    auto const identity = co_await driver_->identify();
    if (!identity && plan_.on_bus && identity.error().fault == Fault::unavailable)
        become(ConnectionState::waiting_for_port, identity.error().message);
    if (!identity) co_return fail(identity.error());
    status_.identity = *identity;
    log::info("instrument.connected", {{"instrument", plan_.id}, {"identity", *identity}});
    become(ConnectionState::serving, "");
    co_return co_await serve(*driver_, position_);
}

Task<Result<void>> Instrument::resume() {
    std::function<Result<std::string>(OutboxStore&)> read = [this](OutboxStore& store) { return store.line_count(plan_.id); };
    auto const known = co_await outbox_.ask(std::move(read));
    if (!known) co_return fail(known.error());
    LinePlace from{position_, *known};
    auto const resumed = co_await transport_->resume(std::move(from));
    if (!resumed) co_return fail(resumed.error());
    position_ = resumed->position;
    if (resumed->count == *known) co_return Result<void>{};
    std::function<Result<bool>(OutboxStore&)> keep = [this, count = resumed->count](OutboxStore& store) {
        return store.set_line_count(plan_.id, count).map([] { return true; });
    };
    auto const kept = co_await outbox_.ask(std::move(keep));
    if (!kept) co_return fail(kept.error());
    co_return Result<void>{};
}

// Read this function first: durable, then acknowledged.
Task<Result<void>> Instrument::serve(Driver& driver, std::uint64_t position) {
    for (;;) {
        auto batch = co_await driver.next();
        if (!batch) co_return fail(batch.error());
        Append append;
        append.drafts = std::move(batch->records);
        append.taken = std::move(batch->taken);
        append.blanked = std::move(batch->blanked);
        append.journal_instrument = plan_.id;
        append.journal_through = plan_.journalled ? position + batch->consumed : 0;
        auto const kept = co_await store(std::move(append));  // durable from here on
        if (!kept) co_return fail(kept.error());
        auto const told = co_await driver.acknowledge(batch->receipt);  // only now may the instrument forget
        if (!told) co_return fail(told.error());
    }
}

// What a driver must know of the time before this connection.
Task<Result<void>> Instrument::recall(InstrumentPlan::Connection& connection) {
    auto open = co_await open_run();
    if (!open) co_return fail(open.error());
    connection.open_run = std::move(*open);
    std::function<Result<std::string>(OutboxStore&)> read = [this](OutboxStore& store) { return store.last_transcript(plan_.id); };
    auto const transcript = co_await outbox_.ask(std::move(read));
    if (!transcript) co_return fail(transcript.error());
    connection.last_transcript = *transcript;
    co_return Result<void>{};
}

// An instrument has one run at a time: of several open ones only the last can still be meant.
Task<Result<std::optional<OpenRun>>> Instrument::open_run() {
    std::function<Result<std::vector<OpenRun>>(OutboxStore&)> read = [](OutboxStore& store) { return store.open_runs(); };
    auto const all = co_await outbox_.ask(std::move(read));
    if (!all) co_return fail(all.error());
    std::optional<OpenRun> last;
    Append closing;
    for (OpenRun const& run : *all) {
        if (run.instrument != plan_.id) continue;
        if (last) {
            RunIdentity const id{plan_.id, plan_.driver_name, last->run, last->sourcekey};
            closing.drafts.push_back(run_aborted(id, "Another run was begun on this instrument before this one had ended."));
        }
        last = run;
    }
    if (!closing.drafts.empty()) {
        auto const closed = co_await store(std::move(closing));
        if (!closed) co_return fail(closed.error());
    }
    co_return last;
}

Task<Result<std::uint64_t>> Instrument::store(Append append) {
    std::vector<Draft> drafts;
    std::size_t messages = 0;
    for (Draft const& draft : append.drafts) {
        bool const is_message = draft.type == type::run_readings && plan_.messages;
        if (is_message)
            ++messages;
        else if (draft.type != type::run_file)
            drafts.push_back(draft);
    }
    auto const taken = append.taken;
    auto const kept = co_await outbox_.append(std::move(append));
    if (!kept) co_return fail(kept.error());
    for (Draft const& draft : drafts) {
        bool const begins = draft.type == type::run_started;
        bool const ends = draft.type == type::run_finished || draft.type == type::run_aborted;
        if (!begins && !ends) continue;
        status_.run = begins ? draft.run : "";
        if (ends) status_.plate.clear();
        listener_.on_instrument(plan_.id, status_);
    }
    if (taken) listener_.on_taken(*taken);
    listener_.on_stored(plan_.id, drafts, messages, *kept);
    co_return kept;
}

Result<void> Instrument::can_start() const {
    if (!driver_ || status_.state != ConnectionState::serving)
        return fail(Fault::unavailable, fmt::format("{} is not connected: {}", plan_.id, status_.detail));
    if (!status_.run.empty())
        return fail(Fault::refused, fmt::format("{} is in the middle of run {}; wait until it has finished.", plan_.id, status_.run));
    return {};
}

Task<Result<std::string>> Instrument::start(std::string plate, std::string by) {
    if (auto const ready = can_start(); !ready) co_return fail(ready.error());
    auto const held = co_await driver_->held();
    if (!held) co_return fail(held.error());
    if (auto const ready = can_start(); !ready) co_return fail(ready.error());
    StartRequest request;
    request.run = random_uuid(entropy_);
    request.plate = plate;
    RunIdentity const id{plan_.id, plan_.driver_name, request.run, request.run};
    Append begin;
    begin.drafts.push_back(run_started(id, plate, by, {}));
    if (*held) begin.held = {plan_.id, **held};
    auto const kept = co_await store(std::move(begin));
    if (!kept) co_return fail(kept.error());
    status_.plate = plate;
    listener_.on_instrument(plan_.id, status_);
    std::string const run = request.run;
    Result<void> begun = fail(Fault::closed, "The connection ended before the instrument was told to begin.");
    if (driver_) begun = co_await driver_->start(std::move(request));
    if (begun) co_return run;
    // The reader may be measuring all the same when only its answer was lost: such a run stays open and is resumed.
    if (begun.error().fault == Fault::refused) {
        Append abort;
        abort.drafts.push_back(run_aborted(id, begun.error().message));
        co_await store(std::move(abort));
    }
    co_return fail(begun.error());
}

void Instrument::become(ConnectionState state, std::string detail) {
    bool const changed = state != status_.state || detail != status_.detail;
    status_.state = state;
    status_.detail = std::move(detail);
    if (state == ConnectionState::serving) complained_.clear();
    if (changed) listener_.on_instrument(plan_.id, status_);
}

// Once for each reason: it is tried again every few seconds, perhaps for a night.
void Instrument::complain(std::string const& reason) {
    if (reason == std::exchange(complained_, reason)) return;
    log::warn("instrument.unreachable", {{"instrument", plan_.id}, {"reason", reason}});
}

}  // namespace marrowlink
