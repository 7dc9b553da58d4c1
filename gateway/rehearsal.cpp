#include "gateway/rehearsal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cmath>

#include "core/log.hpp"
#include "gateway/alarms.hpp"

namespace marrowlink {
namespace {
namespace asio = boost::asio;
constexpr std::uint64_t own_records = 1;  // appended by a rehearsal itself while the link is closed: the audit of its beginning

double seconds(Clock::Instant::duration span) { return std::round(std::chrono::duration<double>(span).count() * 10) / 10; }
auto whole_ms(Clock::Instant::duration span) { return std::chrono::duration_cast<std::chrono::milliseconds>(span).count(); }
double hours(Clock::Instant::duration span) { return std::chrono::duration<double, std::ratio<3600>>(span).count(); }
double minutes(std::chrono::milliseconds length) { return static_cast<double>(length.count()) / 60'000; }
std::string clock_time(std::string const& rfc3339) { return rfc3339.substr(11, 5) + " UTC"; }
}  // namespace

std::string_view to_string(RehearsalPhase phase) {
    constexpr std::string_view names[] = {"none", "away", "catching_up", "over"};
    return names[static_cast<int>(phase)];
}

std::string_view to_string(RehearsalEnd end) {
    constexpr std::string_view names[] = {"deadline", "asked", "room", "store", "stopping"};
    return names[static_cast<int>(end)];
}

Result<void> Rehearsal::safe(std::chrono::milliseconds length) const {
    if (phase_ == RehearsalPhase::away)
        return fail(Fault::refused, fmt::format("A rehearsal is under way until {}; the next one can begin after it.", clock_time(until_)));
    if (phase_ == RehearsalPhase::catching_up)
        return fail(Fault::refused,
                    "What the last rehearsal kept here is still on its way to the centre; the next one can begin after it.");
    LinkStatus const& link = parts_.forwarder.status();
    if (link.state != LinkState::connected)
        return fail(
            Fault::refused,
            fmt::format("The link to the centre is not up ({}{}{}). A rehearsal begins only from a working link, so that it never adds "
                        "to a real outage.",
                        to_string(link.state), link.detail.empty() ? "" : ": ", link.detail));
    if (auto const reasons = parts_.board.why_not_ready(); !reasons.empty())
        return fail(Fault::refused, fmt::format("The gateway cannot keep records now, so the link is left alone: {}", reasons.front()));
    Room const room = parts_.room();
    double const wanted_hours = rehearsal_margin * minutes(length) / 60;
    if (room.hours && *room.hours < wanted_hours)
        return fail(Fault::refused,
                    fmt::format("There is room for {:.1f} hours of results at the present rate; a rehearsal of {:g} minutes "
                                "begins only with room for {:.1f} hours.",
                                *room.hours, minutes(length), wanted_hours));
    if (!room.hours && room.bytes < room.budget_bytes / 2)
        return fail(Fault::refused,
                    fmt::format("How fast results come in is not known yet, and less than half of the room is left ({} of {} "
                                "bytes). Ask again when the page shows the room in hours.",
                                room.bytes, room.budget_bytes));
    return {};
}

Result<json::object> Rehearsal::begin(std::chrono::milliseconds length, std::string who) {
    if (auto const yes = safe(length); !yes) return fail(yes.error());
    phase_ = RehearsalPhase::away;
    length_ = length;
    who_ = std::move(who);
    began_ = rfc3339(parts_.clock.utc());
    until_ = rfc3339(parts_.clock.utc() + length);
    began_at_ = parts_.clock.now();
    first_ = least_ = parts_.room();
    appended_ = parts_.outbox.appended();
    appended_bytes_ = parts_.outbox.position().appended_bytes;
    kept_records_ = kept_bytes_ = caught_up_records_ = 0;
    bytes_per_hour_ = 0;
    caught_up_ = false;
    log::info("rehearsal.began", {{"seconds", length.count() / 1000}, {"until", until_}, {"who", who_}});
    parts_.audit("rehearsal.began", who_, fmt::format("the link is closed for {:g} minutes, until {}", minutes(length), until_));
    parts_.board.raise(alarms::rehearsal(until_));
    parts_.forwarder.hold(fmt::format("The link is closed for a rehearsal until {}; this is no fault.", clock_time(until_)));
    ++number_;
    asio::co_spawn(parts_.loop, watch(), asio::detached);
    return json();
}

Task<void> Rehearsal::watch() {
    auto const alive = alive_;
    auto const number = number_;
    auto const mine = [this, number] { return number == number_ && phase_ != RehearsalPhase::over; };
    while (mine()) {
        auto next = parts_.clock.now() + rehearsal_look;
        if (phase_ == RehearsalPhase::away) next = std::min(next, began_at_ + length_);
        co_await parts_.clock.sleep_until(next);
        if (!*alive || !mine()) co_return;
        if (phase_ == RehearsalPhase::away)
            look_at_room();
        else
            look_at_backlog();
    }
}

bool Rehearsal::roomy(Room const& room) const {
    if (room.bytes < first_.bytes / rehearsal_room_share) return false;
    if (room.hours) return *room.hours >= rehearsal_margin * minutes(length_) / 60;
    return room.bytes >= room.budget_bytes / 2;
}

void Rehearsal::look_at_room() {
    Room const room = parts_.room();
    if (room.bytes < least_.bytes) least_ = room;
    if (!roomy(room)) return end(RehearsalEnd::room);
    if (!parts_.board.why_not_ready().empty()) return end(RehearsalEnd::store);
    if (parts_.clock.now() >= began_at_ + length_) end(RehearsalEnd::deadline);
}

Result<json::object> Rehearsal::end_early(std::string who) {
    if (phase_ != RehearsalPhase::away) return fail(Fault::refused, "No rehearsal is under way, so there is none to end.");
    who_ = std::move(who);
    end(RehearsalEnd::asked);
    return json();
}

void Rehearsal::end(RehearsalEnd why) {
    if (phase_ != RehearsalPhase::away) return;
    OutboxPosition const& position = parts_.outbox.position();
    phase_ = RehearsalPhase::catching_up;
    ended_ = why;
    restored_at_ = parts_.clock.now();
    kept_records_ = waiting();
    kept_bytes_ = position.backlog_bytes;
    acknowledged_ = parts_.outbox.acknowledged();
    // A new stream in place of a damaged one counts from 1 again.
    std::uint64_t const arrived = position.appended - std::min(position.appended, appended_ + own_records);
    auto const bytes = static_cast<double>(position.appended_bytes - std::min(position.appended_bytes, appended_bytes_));
    double const share = static_cast<double>(arrived) / static_cast<double>(arrived + own_records);
    bytes_per_hour_ = share * bytes * pages_per_byte(position) / std::max(hours(restored_at_ - began_at_), 1e-6);
    appended_before_ = position.appended;
    parts_.board.clear("link.rehearsal");
    parts_.forwarder.release();
    log::info("rehearsal.ended", {{"why", to_string(why)}, {"milliseconds", whole_ms(restored_at_ - began_at_)}, {"kept", kept_records_}});
    parts_.audit("rehearsal.ended", why == RehearsalEnd::asked ? who_ : "gateway",
                 fmt::format("the link was closed for {} s and opened again: {}", seconds(restored_at_ - began_at_), to_string(why)));
}

void Rehearsal::on_position() {
    if (phase_ == RehearsalPhase::catching_up && waiting() == 0) over(true);
}

// While results keep coming something is always on its way; when everything written up to the last look is at the centre, nothing is
// behind.
void Rehearsal::look_at_backlog() {
    bool const linked = parts_.forwarder.status().state == LinkState::connected;
    bool const behind = !linked || parts_.outbox.acknowledged() < appended_before_;
    appended_before_ = parts_.outbox.appended();
    if (!behind) return over(true);
    if (parts_.clock.now() - restored_at_ >= catch_up_max) over(false);
}

void Rehearsal::over(bool caught_up) {
    phase_ = RehearsalPhase::over;
    caught_up_ = caught_up;
    over_at_ = parts_.clock.now();
    caught_up_records_ = parts_.outbox.acknowledged() - std::min(parts_.outbox.acknowledged(), acknowledged_);
    log::info(
        "rehearsal.over",
        {{"caught_up", caught_up ? "yes" : "no"}, {"milliseconds", whole_ms(over_at_ - restored_at_)}, {"records", caught_up_records_}});
}

std::uint64_t Rehearsal::waiting() const {
    return parts_.outbox.appended() - std::min(parts_.outbox.appended(), parts_.outbox.acknowledged());
}

json::object Rehearsal::json() const {
    json::object out;
    out["phase"] = to_string(phase_);
    if (phase_ == RehearsalPhase::none) return out;
    bool const away = phase_ == RehearsalPhase::away;
    auto const now = parts_.clock.now();
    out["minutes"] = minutes(length_);
    out["began"] = began_;
    out["until"] = until_;
    out["away_s"] = seconds((away ? now : restored_at_) - began_at_);
    if (away) out["left_s"] = seconds(std::max(began_at_ + length_ - now, Clock::Instant::duration{0}));
    out["waiting_records"] = waiting();
    out["waiting_bytes"] = parts_.outbox.position().backlog_bytes;
    Room const room = parts_.room();
    out["room_bytes"] = room.bytes;
    if (room.hours) out["room_hours"] = *room.hours;
    out["least_room_bytes"] = least_.bytes;
    if (least_.hours) out["least_room_hours"] = *least_.hours;
    out["link"] = to_string(parts_.forwarder.status().state);
    out["link_detail"] = parts_.forwarder.status().detail;
    if (away) return out;
    out["ended"] = to_string(ended_);
    out["kept_records"] = kept_records_;
    out["kept_bytes"] = kept_bytes_;
    if (bytes_per_hour_ > 0) {
        out["bytes_per_hour"] = bytes_per_hour_;
        out["outage_hours"] = static_cast<double>(first_.bytes) / bytes_per_hour_;
    }
    auto const catching = (phase_ == RehearsalPhase::over ? over_at_ : now) - restored_at_;
    out["catch_up_s"] = seconds(catching);
    if (phase_ != RehearsalPhase::over) return out;
    out["caught_up"] = caught_up_;
    out["caught_up_records"] = caught_up_records_;
    out["records_per_s"] = static_cast<double>(caught_up_records_) / std::max(std::chrono::duration<double>(catching).count(), 0.001);
    return out;
}

}  // namespace marrowlink
