#include "gateway/status.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/version.hpp"

namespace marrowlink {

std::string_view to_string(InstrumentState state) {
    constexpr std::string_view names[] = {"waiting_for_port", "connecting", "silent", "idle",    "measuring",
                                          "transferring",     "holding",    "failed", "watching"};
    return names[static_cast<int>(state)];
}

std::string_view to_string(RunState state) {
    constexpr std::string_view names[] = {"started", "measuring", "committed", "acknowledged", "aborted", "unreadable"};
    return names[static_cast<int>(state)];
}

std::string_view to_string(Station station) {
    constexpr std::string_view names[] = {"instrument", "gateway", "broker", "centre"};
    return names[static_cast<int>(station)];
}

std::string_view to_string(DiskState state) {
    constexpr std::string_view names[] = {"ok", "low", "full", "failed"};
    return names[static_cast<int>(state)];
}

std::string_view to_string(Severity severity) { return severity == Severity::error ? "error" : "warn"; }

namespace {

bool in_progress(RunState state) { return state == RunState::started || state == RunState::measuring; }

// Where a card that waits for its stamp moves the mark at which cards are looked at again.
void lower(std::uint64_t& mark, std::uint64_t seq) { mark = mark == 0 ? seq : std::min(mark, seq); }

}  // namespace

StatusBoard::StatusBoard(Clock& clock, std::string site, std::string gateway)
    : clock_(clock), site_(std::move(site)), gateway_id_(std::move(gateway)), started_at_(clock.now()) {
    started_ = now_text();
    link_since_ = started_;
    section_change_.fill(change_);
}

void StatusBoard::changed(Section section) {
    section_change_[section] = ++change_;
    if (watchers_.empty()) return;
    auto const watchers = std::exchange(watchers_, {});
    for (auto const& watcher : watchers) watcher();
}

void StatusBoard::stream(std::string uuid) {
    stream_ = std::move(uuid);
    changed(gateway_);
}

void StatusBoard::broker(std::string name) {
    broker_ = std::move(name);
    changed(link_);
}

void StatusBoard::link(std::string_view state, std::string_view detail) {
    if (link_state_ == state && link_detail_ == detail) return;
    if (link_state_ != state) link_since_ = now_text();
    link_state_ = state;
    link_detail_ = detail;
    changed(link_);
}

void StatusBoard::certificate_ends(std::optional<Clock::Utc> when) {
    if (certificate_ends_ == when) return;
    certificate_ends_ = when;
    changed(link_);
}

void StatusBoard::position(OutboxPosition const& position) {
    auto const now = clock_.now();
    bool const acknowledged = position.acknowledged > position_.acknowledged;
    if (acknowledged) acknowledged_at_ = now;
    if (position.oldest_ms == 0)
        oldest_.reset();
    else if (position.oldest_ms != position_.oldest_ms || !oldest_) {
        // A wall clock that stepped back must not make a record younger than nothing.
        auto const waited = clock_.utc() - Clock::Utc{std::chrono::milliseconds{position.oldest_ms}};
        oldest_ = now - std::max(waited, std::chrono::milliseconds{0});
    }
    bool const used = position.used_bytes != position_.used_bytes;
    position_ = position;
    changed(link_);
    changed(backlog_);
    if (used) changed(disk_);
    if (acknowledged) stamp_centre();
}

void StatusBoard::pubacked(std::uint64_t seq) {
    if (seq <= pubacked_) return;
    pubacked_ = seq;
    changed(link_);
    stamp_broker();
}

void StatusBoard::counted(std::uint64_t published, std::uint64_t repeated) {
    published_ = published;
    repeated_ = repeated;
}

void StatusBoard::disk(DiskView disk) {
    disk_view_ = std::move(disk);
    changed(disk_);
}

bool StatusBoard::raise(Alarm alarm) {
    auto const same = std::find_if(alarms_raised_.begin(), alarms_raised_.end(), [&](Raised const& raised) {
        return raised.alarm.id == alarm.id && raised.alarm.subject == alarm.subject;
    });
    if (same != alarms_raised_.end()) {
        Alarm& known = same->alarm;
        if (known.what == alarm.what && known.todo == alarm.todo && known.parameters == alarm.parameters &&
            known.severity == alarm.severity)
            return false;
        known = std::move(alarm);
        changed(alarms_);
        return false;
    }
    if (alarms_raised_.size() >= alarms_max) return false;
    if (alarms_raised_.size() + 1 == alarms_max)
        alarm = {.id = "alarms.more",
                 .subject = {},
                 .severity = Severity::error,
                 .what = "There are more alarms than this list shows.",
                 .todo = "Deal with those above; the others are in the gateway's log.",
                 .parameters = {}};
    alarms_raised_.push_back({std::move(alarm), now_text(), clock_.now()});
    changed(alarms_);
    return true;
}

bool StatusBoard::clear(std::string_view id, std::string_view subject) {
    auto const ended =
        std::erase_if(alarms_raised_, [&](Raised const& raised) { return raised.alarm.id == id && raised.alarm.subject == subject; });
    if (ended == 0) return false;
    if (alarms_raised_.size() + 1 < alarms_max)
        std::erase_if(alarms_raised_, [](Raised const& raised) { return raised.alarm.id == "alarms.more"; });
    changed(alarms_);
    return true;
}

InstrumentCard* StatusBoard::find_instrument(std::string_view id) {
    auto const found =
        std::find_if(instrument_cards_.begin(), instrument_cards_.end(), [&](InstrumentCard const& card) { return card.id == id; });
    return found == instrument_cards_.end() ? nullptr : &*found;
}

InstrumentCard& StatusBoard::instrument(std::string_view id) {
    changed(instruments_);
    if (InstrumentCard* const card = find_instrument(id)) return *card;
    InstrumentCard& card = instrument_cards_.emplace_back();
    card.id = card.title = id;
    return card;
}

bool StatusBoard::has_instrument(std::string_view id) const { return const_cast<StatusBoard*>(this)->find_instrument(id) != nullptr; }

void StatusBoard::forget_instrument(std::string_view id) {
    std::erase_if(instrument_cards_, [&](InstrumentCard const& card) { return card.id == id; });
    std::erase_if(alarms_raised_, [&](Raised const& raised) { return raised.alarm.subject == id; });
    file_notices_.erase(std::string(id));
    changed(instruments_);
    changed(alarms_);
    changed(files_);
}

void StatusBoard::heard(std::string_view instrument) {
    InstrumentCard* const card = find_instrument(instrument);
    if (!card) return;
    card->last_heard = clock_.now();
    changed(instruments_);
}

RunCard* StatusBoard::find_card(std::string_view id) {
    auto const found = std::find_if(run_cards_.begin(), run_cards_.end(), [&](RunCard const& card) { return card.run == id; });
    return found == run_cards_.end() ? nullptr : &*found;
}

RunCard const* StatusBoard::find_run(std::string_view id) const { return const_cast<StatusBoard*>(this)->find_card(id); }

RunCard& StatusBoard::run(std::string_view id) {
    changed(runs_);
    RunCard* card = find_card(id);
    if (!card) {
        drop_old_runs();
        card = &run_cards_.emplace_front();
        card->run = id;
        card->noted = now_text();
    }
    card->change = change_;
    return *card;
}

void StatusBoard::drop_old_runs() {
    std::string const today = now_text().substr(0, 10);
    std::size_t place = 0;
    std::erase_if(run_cards_, [&](RunCard const& card) {
        bool const old = ++place >= runs_shown_min && !in_progress(card.state) && card.noted.substr(0, 10) != today;
        return old;
    });
    if (run_cards_.size() < runs_kept_max) return;
    auto const oldest = std::find_if(run_cards_.rbegin(), run_cards_.rend(), [](RunCard const& card) { return !in_progress(card.state); });
    run_cards_.erase(oldest == run_cards_.rend() ? std::prev(run_cards_.end()) : std::prev(oldest.base()));
}

void StatusBoard::committed(std::string_view id, std::uint64_t last_seq, RunState state) {
    RunCard& card = run(id);
    card.state = state;
    if (last_seq > card.last_seq) {  // the way of a run is the way of the last that there is of it
        card.at_broker.clear();
        card.at_centre.clear();
        card.reached = Station::gateway;
    }
    card.last_seq = last_seq;
    card.at_gateway = now_text();
    if (state == RunState::started && !card.begun) {
        card.begun = clock_.now();
        if (card.started.empty()) card.started = card.at_gateway;
    }
    lower(next_at_broker_, last_seq);
    lower(next_at_centre_, last_seq);
    stamp_broker();
    stamp_centre();
}

void StatusBoard::restore(KeptRun kept) {
    RunCard& card = kept.card;
    bool const old =
        run_cards_.size() >= runs_shown_min && !in_progress(card.state) && card.noted.substr(0, 10) != now_text().substr(0, 10);
    if (old || run_cards_.size() >= runs_kept_max || find_card(card.run)) return;
    changed(runs_);
    card.change = change_;
    card.reached = Station::gateway;
    // A wall clock that stepped back must not let a run begin in the future.
    if (in_progress(card.state)) card.begun = clock_.now() - std::max(clock_.utc() - kept.first, std::chrono::milliseconds{0});
    if (card.last_seq <= position_.acknowledged) {
        card.reached = Station::centre;  // since when is not known
        if (card.state == RunState::committed) card.state = RunState::acknowledged;
    } else {
        lower(next_at_broker_, card.last_seq);
        lower(next_at_centre_, card.last_seq);
    }
    run_cards_.push_back(std::move(card));
    stamp_broker();
}

void StatusBoard::stamp_broker() {
    if (next_at_broker_ == 0 || pubacked_ < next_at_broker_) return;
    next_at_broker_ = 0;
    bool stamped = false;
    for (RunCard& card : run_cards_) {
        if (card.last_seq == 0 || card.reached >= Station::broker) continue;
        if (card.last_seq > pubacked_) {
            lower(next_at_broker_, card.last_seq);
            continue;
        }
        card.at_broker = now_text();
        card.reached = Station::broker;
        card.change = change_ + 1;
        stamped = true;
    }
    if (stamped) changed(runs_);
}

void StatusBoard::stamp_centre() {
    if (next_at_centre_ == 0 || position_.acknowledged < next_at_centre_) return;
    next_at_centre_ = 0;
    bool stamped = false;
    for (RunCard& card : run_cards_) {
        if (card.last_seq == 0 || card.reached == Station::centre) continue;
        if (card.last_seq > position_.acknowledged) {
            lower(next_at_centre_, card.last_seq);
            continue;
        }
        card.at_centre = now_text();
        card.reached = Station::centre;
        if (card.at_broker.empty()) card.at_broker = card.at_centre;  // it came through there, whatever became of the PUBACK
        if (card.state == RunState::committed) card.state = RunState::acknowledged;
        card.change = change_ + 1;
        stamped = true;
    }
    if (stamped) changed(runs_);
}

void StatusBoard::answer(std::string_view id, std::string_view state, std::string_view verdict, std::string_view reason) {
    if (!find_card(id)) return;  // the centre repeats the last seven days; only what is shown here is of interest
    RunCard& card = run(id);
    card.answer_state = state;
    card.answer_verdict = verdict;
    card.answer_reason = reason;
}

void StatusBoard::plate_quality(std::string_view id, std::string_view verdict, std::string_view reason) {
    if (!find_card(id)) return;
    RunCard& card = run(id);
    card.plate_verdict = verdict;
    card.plate_reason = reason;
}

void StatusBoard::files(std::string const& instrument, std::vector<FileNotice> files) {
    if (files.size() > files_shown_max) files.resize(files_shown_max);
    std::vector<FileNotice>& known = file_notices_[instrument];
    if (files == known) return;
    known = std::move(files);
    changed(files_);
}

void StatusBoard::plate(std::string_view id, Plate plate) {
    std::erase_if(plates_, [&](auto const& kept) { return kept.first == id; });
    plates_.emplace_front(id, std::move(plate));
    if (plates_.size() > plates_kept_max) plates_.pop_back();
    ++run(id).plate_change;
}

Plate const* StatusBoard::find_plate(std::string_view id) const {
    auto const found = std::find_if(plates_.begin(), plates_.end(), [&](auto const& kept) { return kept.first == id; });
    return found == plates_.end() ? nullptr : &found->second;
}

std::vector<std::string> StatusBoard::why_not_ready() const {
    std::vector<std::string> reasons;
    if (stream_.empty()) reasons.emplace_back("The outbox is not open yet.");
    if (disk_view_ && disk_view_->state == DiskState::full)
        reasons.emplace_back("The disk budget is used up; instruments are not acknowledged.");
    if (disk_view_ && disk_view_->state == DiskState::failed) reasons.emplace_back("The disk does not take records: " + disk_view_->detail);
    return reasons;
}

std::string StatusBoard::now_text() const { return rfc3339(clock_.utc()); }

double StatusBoard::age_s(Clock::Instant when) const {
    return std::round(std::chrono::duration<double>(clock_.now() - when).count() * 10) / 10;
}

}  // namespace marrowlink
