#include "gateway/run_view.hpp"

#include <algorithm>

#include "core/json.hpp"

namespace marrowlink {
namespace {

std::optional<WellValue> well_of(json::object const& summary, std::string_view name) {
    auto const* const found = summary.if_contains(name);
    if (!found || !found->is_object()) return std::nullopt;
    json::object const& r = found->get_object();
    return WellValue{std::string{json::string_of(r, "well")}, std::string{json::string_of(r, "value")},
                     std::string{json::string_of(r, "flag")}};
}

void show_summary(RunCard& card, json::object const& data) {
    if (auto const* const found = data.if_contains("readings"); found && found->is_object()) {
        json::object const& summary = found->get_object();
        card.count = static_cast<std::uint64_t>(json::integer_of(summary, "count"));
        if (summary.contains("flagged")) card.flagged = static_cast<std::uint64_t>(json::integer_of(summary, "flagged"));
        card.first = well_of(summary, "first");
        card.last = well_of(summary, "last");
        if (auto const low = well_of(summary, "min")) card.min = low->value;
        if (auto const high = well_of(summary, "max")) card.max = high->value;
        if (auto const* const first = summary.if_contains("first"); first && first->is_object())
            card.unit = json::string_of(first->get_object(), "unit");
    }
    if (auto const* const datasets = data.if_contains("datasets"); datasets && datasets->is_array()) {
        std::uint64_t events = 0;
        for (json::value const& dataset : datasets->get_array())
            if (dataset.is_object()) events += static_cast<std::uint64_t>(json::integer_of(dataset.get_object(), "events"));
        card.events = events;
        card.count.reset();
    }
}

// What a record says of its run; the state that it brings, if it does.
std::optional<RunState> show_fact(RunCard& card, std::string_view type, json::object const& data) {
    if (type == type::run_started) {
        if (!card.labelled) card.plate = json::string_of(data, "plate");
        return RunState::started;
    }
    if (type == type::run_finished) {
        if (auto const plate = json::string_of(data, "plate"); !plate.empty() && !card.labelled) card.plate = plate;
        card.finished = json::string_of(data, "arrived");
        card.at_instrument = card.finished;
        if (auto const started = json::string_of(data, "started"); !started.empty())
            card.started = started;
        else if (auto const written = json::string_of(data, "started_as_written"); !written.empty())
            card.started = written;
        bool const unreadable = json::string_of(data, "state") == "unreadable";
        card.reason = unreadable ? json::string_of(data, "reason") : std::string_view{};
        show_summary(card, data);
        return unreadable ? RunState::unreadable : RunState::committed;
    }
    if (type == type::run_aborted) {
        card.reason = json::string_of(data, "reason");
        return RunState::aborted;
    }
    if (type == type::run_labelled) {
        card.plate = json::string_of(data, "plate");
        card.labelled = true;
    }
    return std::nullopt;
}

// The name that a run's file has at this site.
void show_file(RunCard& card, OutboxStore& store, json::object const& data) {
    auto const* const files = data.if_contains("files");
    if (!files || !files->is_array() || files->get_array().empty() || !files->get_array().front().is_object()) return;
    auto const sha256 = json::string_of(files->get_array().front().get_object(), "original_sha256");
    auto const name = store.name_of_taken(card.instrument, std::string{sha256});
    if (!name || name->empty()) return;
    card.title = *name;
    card.files = {*name};
}

Result<KeptRun> kept_run(OutboxStore& store, std::string const& run) {
    KeptRun kept;
    RunCard& card = kept.card;
    card.run = run;
    auto const told = store.tell_run(run, [&](RunFact const& fact) {
        auto const parsed = json::parse(fact.data, fact.type);
        if (!parsed || !parsed->is_object()) return;
        json::object const& data = parsed->get_object();
        Clock::Utc const when{std::chrono::milliseconds{fact.appended_ms}};
        if (kept.first_seq == 0) {
            kept.first_seq = fact.seq;
            kept.first = when;
            card.noted = rfc3339(when);
            card.instrument = json::string_of(data, "instrument");
        }
        if (auto const state = show_fact(card, fact.type, data)) {
            card.state = *state;
            card.last_seq = fact.seq;
            card.at_gateway = rfc3339(when);
        }
        if (fact.type == type::run_started && card.started.empty()) card.started = card.at_gateway;
        if (fact.type == type::run_finished) show_file(card, store, data);
    });
    if (!told) return fail(told.error());
    return kept;
}
}  // namespace

void append_readings(std::vector<Reading>& out, std::string_view data) {
    auto const parsed = json::parse(data, "run.readings");
    if (!parsed || !parsed->is_object()) return;
    auto const* const readings = parsed->get_object().if_contains("readings");
    if (!readings || !readings->is_array()) return;
    for (json::value const& value : readings->get_array()) {
        if (!value.is_object()) continue;
        Reading& reading = out.emplace_back();
        for (auto const& [name, member] : reading_fields) reading.*member = json::string_of(value.get_object(), name);
    }
}

void show_draft(StatusBoard& board, Draft const& draft, std::uint64_t through) {
    if (draft.run.empty()) return;
    if (draft.type == type::run_readings) {
        Plate const* const so_far = board.find_plate(draft.run);
        std::vector<Reading> readings = so_far ? so_far->readings : std::vector<Reading>{};
        append_readings(readings, draft.data);
        if (!readings.empty()) board.plate(draft.run, plate_of(std::move(readings)));
        board.committed(draft.run, through, RunState::measuring);
        return;
    }
    auto const parsed = json::parse(draft.data, draft.type);
    if (!parsed || !parsed->is_object()) return;
    RunCard& card = board.run(draft.run);
    card.instrument = draft.instrument;
    if (auto const state = show_fact(card, draft.type, parsed->get_object())) board.committed(draft.run, through, *state);
}

Result<std::vector<KeptRun>> latest_runs(OutboxStore& store, std::size_t limit) {
    auto const runs = store.latest_runs(limit);
    if (!runs) return fail(runs.error());
    std::vector<KeptRun> out;
    for (std::string const& run : *runs) {
        auto kept = kept_run(store, run);
        if (!kept) return fail(kept.error());
        if (kept->card.last_seq > 0) out.push_back(std::move(*kept));  // else only its label is still kept
    }
    // A label of today does not make a run of last week one of today's.
    std::sort(out.begin(), out.end(), [](KeptRun const& a, KeptRun const& b) { return a.first_seq > b.first_seq; });
    return out;
}

void show_connection(InstrumentCard& card, ConnectionStatus const& status, std::string activity) {
    card.detail = status.detail.empty() ? status.identity : status.detail;
    card.run = status.run;
    card.activity = std::move(activity);
    switch (status.state) {
        case ConnectionState::waiting_for_port: card.state = InstrumentState::waiting_for_port; break;
        case ConnectionState::connecting: card.state = InstrumentState::connecting; break;
        case ConnectionState::failed: card.state = InstrumentState::failed; break;
        case ConnectionState::serving:
            card.state = card.driver == "folder" ? InstrumentState::watching
                         : status.run.empty()    ? InstrumentState::idle
                                                 : InstrumentState::measuring;
            break;
    }
}

}  // namespace marrowlink
