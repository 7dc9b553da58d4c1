#include "gateway/run_view.hpp"

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
}  // namespace

void append_readings(std::vector<Reading>& out, std::string_view data) {
    auto const parsed = json::parse(data, "run.readings");
    if (!parsed || !parsed->is_object()) return;
    auto const* const readings = parsed->get_object().if_contains("readings");
    if (!readings || !readings->is_array()) return;
    for (json::value const& value : readings->get_array()) {
        if (!value.is_object()) continue;
        auto const text = [&](std::string_view name) { return std::string{json::string_of(value.get_object(), name)}; };
        out.push_back({text("plate"), text("read"), text("well"), text("time_s"), text("wavelength_nm"), text("excitation_nm"),
                       text("value"), text("unit"), text("flag")});
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
    json::object const& data = parsed->get_object();
    RunCard& card = board.run(draft.run);
    card.instrument = draft.instrument;
    if (draft.type == type::run_started) {
        card.plate = json::string_of(data, "plate");
        board.committed(draft.run, through, RunState::started);
    } else if (draft.type == type::run_finished) {
        if (auto const plate = json::string_of(data, "plate"); !plate.empty()) card.plate = plate;
        card.finished = json::string_of(data, "arrived");
        card.at_instrument = card.finished;
        if (auto const started = json::string_of(data, "started"); !started.empty())
            card.started = started;
        else if (auto const written = json::string_of(data, "started_as_written"); !written.empty())
            card.started = written;
        bool const unreadable = json::string_of(data, "state") == "unreadable";
        if (unreadable) card.reason = json::string_of(data, "reason");
        show_summary(card, data);
        board.committed(draft.run, through, unreadable ? RunState::unreadable : RunState::committed);
    } else if (draft.type == type::run_aborted) {
        card.reason = json::string_of(data, "reason");
        board.committed(draft.run, through, RunState::aborted);
    } else if (draft.type == type::run_labelled) {
        card.plate = json::string_of(data, "plate");
    }
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

void UsageRate::note(Clock::Instant now, OutboxPosition const& position) {
    if (!samples_.empty() && now - samples_.back().at < std::chrono::seconds(50)) return;
    std::uint64_t const kept = position.appended + 1 - position.first_kept;
    samples_.push_back({now, position.appended, kept > 0 ? static_cast<double>(position.used_bytes) / static_cast<double>(kept) : 0.0});
    while (samples_.size() > 61) samples_.pop_front();
}

std::optional<double> UsageRate::hours_for(std::uint64_t bytes) const {
    if (samples_.size() < 2) return std::nullopt;
    double const hours = std::chrono::duration<double, std::ratio<3600>>(samples_.back().at - samples_.front().at).count();
    double const grown = static_cast<double>(samples_.back().appended - samples_.front().appended) * samples_.back().bytes_each;
    if (grown <= 0 || hours <= 0) return std::nullopt;
    return static_cast<double>(bytes) / (grown / hours);
}

}  // namespace marrowlink
