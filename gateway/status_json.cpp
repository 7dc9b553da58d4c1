// The board as JSON and as Prometheus text.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/version.hpp"
#include "gateway/status.hpp"

namespace marrowlink {
namespace {

template <class Number>
void put(json::object& into, std::string_view name, std::optional<Number> const& number) {
    if (number) into[name] = *number;
}

json::object well_json(WellValue const& well) {
    json::object out;
    out["well"] = well.well;
    json::put_text(out, "value", well.value);
    json::put_text(out, "flag", well.flag);
    return out;
}

json::array texts_json(std::vector<std::string> const& texts) {
    json::array out;
    for (std::string const& text : texts) out.emplace_back(text);
    return out;
}

}  // namespace

json::object StatusBoard::gateway_json() const {
    json::object out;
    out["site"] = site_;
    out["id"] = gateway_id_;
    out["version"] = version;
    out["now"] = now_text();
    out["clock_synchronised"] = clock_.synchronised();
    out["started"] = started_;
    out["uptime_s"] = age_s(started_at_);
    json::put_text(out, "stream", stream_);
    return out;
}

json::object StatusBoard::link_json() const {
    json::object out;
    out["state"] = link_state_;
    out["detail"] = link_detail_;
    out["since"] = link_since_;
    json::put_text(out, "broker", broker_);
    out["appended"] = position_.appended;
    out["pubacked"] = pubacked_;
    out["acknowledged"] = position_.acknowledged;
    if (acknowledged_at_) out["last_ack_age_s"] = age_s(*acknowledged_at_);
    if (certificate_ends_) out["certificate_days"] = std::chrono::floor<std::chrono::days>(*certificate_ends_ - clock_.utc()).count();
    return out;
}

json::object StatusBoard::backlog_json() const {
    json::object out;
    out["records"] = position_.appended - std::min(position_.acknowledged, position_.appended);
    out["bytes"] = position_.backlog_bytes;
    if (oldest_) out["oldest_age_s"] = age_s(*oldest_);
    return out;
}

json::object StatusBoard::disk_json() const {
    json::object out;
    out["used_bytes"] = position_.used_bytes;
    if (!disk_view_) return out;
    out["state"] = to_string(disk_view_->state);
    out["budget_bytes"] = disk_view_->budget_bytes;
    out["free_bytes"] = disk_view_->free_bytes;
    put(out, "room_hours", disk_view_->room_hours);
    json::put_text(out, "detail", disk_view_->detail);
    return out;
}

json::array StatusBoard::alarms_json() const {
    json::array out;
    for (Raised const& raised : alarms_raised_) {
        Alarm const& alarm = raised.alarm;
        json::object each;
        each["id"] = alarm.id;
        each["severity"] = to_string(alarm.severity);
        each["what"] = alarm.what;
        each["todo"] = alarm.todo;
        each["since"] = raised.since;
        each["since_age_s"] = age_s(raised.at);
        json::put_text(each, "subject", alarm.subject);
        json::object parameters;
        for (auto const& [name, value] : alarm.parameters) parameters[name] = value;
        if (!parameters.empty()) each["parameters"] = std::move(parameters);
        out.push_back(std::move(each));
    }
    return out;
}

json::array StatusBoard::instruments_json() const {
    json::array out;
    for (InstrumentCard const& card : instrument_cards_) {
        json::object each;
        each["id"] = card.id;
        each["title"] = card.title;
        each["driver"] = card.driver;
        json::put_text(each, "port", card.port);
        each["tried_on_hardware"] = card.tried_on_hardware;
        each["commandable"] = card.commandable;
        each["state"] = to_string(card.state);
        json::put_text(each, "detail", card.detail);
        json::put_text(each, "activity", card.activity);
        json::put_text(each, "run", card.run);
        if (card.messages > 0) each["messages"] = card.messages;
        if (card.due) each["due_s"] = card.due->count();
        bool stale = false;
        if (card.last_heard) {
            each["last_heard_age_s"] = age_s(*card.last_heard);
            stale = card.due && clock_.now() - *card.last_heard > *card.due;
        }
        each["stale"] = stale;
        out.push_back(std::move(each));
    }
    return out;
}

json::object StatusBoard::run_json(RunCard const& card) const {
    json::object out;
    out["run"] = card.run;
    out["instrument"] = card.instrument;
    json::put_text(out, "plate", card.plate);
    json::put_text(out, "title", card.title);
    out["state"] = to_string(card.state);
    json::put_text(out, "reason", card.reason);
    out["noted"] = card.noted;
    json::put_text(out, "started", card.started);
    json::put_text(out, "finished", card.finished);
    if (card.begun && (card.state == RunState::started || card.state == RunState::measuring)) out["elapsed_s"] = age_s(*card.begun);
    json::object path;
    path["reached"] = to_string(card.reached);
    json::put_text(path, "instrument", card.at_instrument);
    json::put_text(path, "gateway", card.at_gateway);
    json::put_text(path, "broker", card.at_broker);
    json::put_text(path, "centre", card.at_centre);
    out["path"] = std::move(path);
    put(out, "count", card.count);
    put(out, "flagged", card.flagged);
    put(out, "events", card.events);
    if (card.first) out["first"] = well_json(*card.first);
    if (card.last) out["last"] = well_json(*card.last);
    json::put_text(out, "min", card.min);
    json::put_text(out, "max", card.max);
    json::put_text(out, "unit", card.unit);
    out["files"] = texts_json(card.files);
    if (!card.answer_state.empty()) {
        json::object answer;
        answer["state"] = card.answer_state;
        answer["verdict"] = card.answer_verdict;
        answer["reason"] = card.answer_reason;
        out["answer"] = std::move(answer);
    }
    if (!card.plate_verdict.empty()) out["plate_quality"] = json::object{{"verdict", card.plate_verdict}, {"reason", card.plate_reason}};
    if (card.plate_change > 0) out["plate_change"] = card.plate_change;
    return out;
}

json::array StatusBoard::files_json() const {
    json::array out;
    for (auto const& [instrument, notices] : file_notices_)
        for (FileNotice const& notice : notices) {
            json::object each;
            each["instrument"] = instrument;
            each["name"] = notice.name;
            each["state"] = text_of(notice.state);
            json::put_text(each, "reason", notice.reason);
            if (notice.since) each["since_age_s"] = age_s(*notice.since);
            out.push_back(std::move(each));
        }
    return out;
}

json::object StatusBoard::json(std::uint64_t since) const {
    json::object out;
    out["change"] = change_;
    out["delta"] = since > 0;
    out["gateway"] = gateway_json();
    if (section_change_[link_] > since) out["link"] = link_json();
    if (section_change_[backlog_] > since) out["backlog"] = backlog_json();
    if (section_change_[disk_] > since) out["disk"] = disk_json();
    if (section_change_[alarms_] > since) out["alarms"] = alarms_json();
    if (section_change_[instruments_] > since) out["instruments"] = instruments_json();
    if (section_change_[files_] > since) out["files"] = files_json();
    if (section_change_[runs_] > since) {
        json::array runs;
        for (RunCard const& card : run_cards_)
            if (since == 0 || card.change > since) runs.push_back(run_json(card));
        out["runs"] = std::move(runs);
    }
    return out;
}

std::string StatusBoard::metrics() const {
    std::string out;
    auto const metric = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
        fmt::format_to(std::back_inserter(out), "# HELP marrowlink_{0} {1}\n# TYPE marrowlink_{0} {2}\nmarrowlink_{0} {3}\n", name, help,
                       type, value);
    };
    metric("outbox_records", "gauge", "Records without central's acknowledgement.",
           position_.appended - std::min(position_.acknowledged, position_.appended));
    metric("outbox_bytes", "gauge", "Bytes of those records.", position_.backlog_bytes);
    metric("outbox_oldest_age_seconds", "gauge", "Age of the oldest of them; 0 when none waits.", oldest_ ? age_s(*oldest_) : 0.0);
    metric("outbox_used_bytes", "gauge", "Pages in use in the outbox's file.", position_.used_bytes);
    metric("outbox_wal_bytes", "gauge", "Size of the write-ahead log.", position_.wal_bytes);
    metric("appended_total", "counter", "Last sequence number of the live stream.", position_.appended);
    metric("acknowledged_total", "counter", "Through which central has acknowledged the live stream.", position_.acknowledged);
    metric("published_total", "counter", "Publishes since start, repetitions included.", published_);
    metric("repeated_total", "counter", "Publishes of a record published before.", repeated_);
    metric("link_up", "gauge", "1 while broker and centre are there.", link_state_ == "connected" ? 1 : 0);
    if (acknowledged_at_)
        metric("acknowledgement_age_seconds", "gauge", "Since the last acknowledgement that moved on.", age_s(*acknowledged_at_));
    if (certificate_ends_)
        metric("certificate_days", "gauge", "Days until the client certificate ends.",
               std::chrono::floor<std::chrono::days>(*certificate_ends_ - clock_.utc()).count());
    if (disk_view_) {
        metric("disk_budget_bytes", "gauge", "Of the outbox.", disk_view_->budget_bytes);
        metric("disk_free_bytes", "gauge", "Of the file system.", disk_view_->free_bytes);
        metric("disk_takes_records", "gauge", "0 while the disk is full or fails.",
               disk_view_->state == DiskState::ok || disk_view_->state == DiskState::low ? 1 : 0);
        if (disk_view_->room_hours) metric("disk_room_hours", "gauge", "At the present rate.", *disk_view_->room_hours);
    }
    metric("alarms", "gauge", "Alarms now raised.", alarms_raised_.size());
    metric("uptime_seconds", "gauge", "Since the gateway started.", age_s(started_at_));
    out +=
        "# HELP marrowlink_instrument_heard_age_seconds Since the last word of an instrument; absent before the first.\n"
        "# TYPE marrowlink_instrument_heard_age_seconds gauge\n";
    for (InstrumentCard const& card : instrument_cards_)
        if (card.last_heard)
            fmt::format_to(std::back_inserter(out), "marrowlink_instrument_heard_age_seconds{{instrument=\"{}\"}} {}\n", card.id,
                           age_s(*card.last_heard));
    return out;
}

}  // namespace marrowlink
