#include "gateway/rehearsal_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>

namespace marrowlink {
namespace {

std::optional<double> number(json::object const& from, std::string_view name) {
    auto const* const found = from.if_contains(name);
    return found && found->is_number() ? std::optional{found->to_number<double>()} : std::nullopt;
}

std::string grouped(double count) {
    std::string text = fmt::format("{:.0f}", count);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
    return text;
}

std::string records_text(double count) { return grouped(count) + (count == 1 ? " record" : " records"); }

std::string bytes_text(double bytes) {
    constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
    return unit > 0 && bytes < 10 ? fmt::format("{:.1f} {}", bytes, units[unit]) : fmt::format("{:.0f} {}", bytes, units[unit]);
}

std::string span_text(double seconds) {
    if (seconds < 60) return fmt::format("{:.1f} s", seconds);
    auto const whole = std::llround(seconds);
    return fmt::format("{} min {} s", whole / 60, whole % 60);
}

// Rounded down: what is said to fit does fit.
std::string hours_text(double hours) {
    constexpr double year = 365 * 24;
    if (hours >= year) return "more than a year";
    if (hours >= 48) return fmt::format("{:.0f} hours ({:.0f} days)", std::floor(hours), std::floor(hours / 24));
    if (hours >= 1) return fmt::format("{:.1f} hours", std::floor(hours * 10) / 10);
    return fmt::format("{:.0f} minutes", std::floor(hours * 60));
}

std::string room_text(json::object const& rehearsal, std::string_view bytes, std::string_view hours) {
    auto const known = number(rehearsal, hours);
    return bytes_text(number(rehearsal, bytes).value_or(0)) + (known ? ", at the last hour's rate for " + hours_text(*known) : "");
}

std::string link_text(json::object const& rehearsal) {
    std::string_view const detail = json::string_of(rehearsal, "link_detail");
    return fmt::format("{}{}{}", json::string_of(rehearsal, "link"), detail.empty() ? "" : ": ", detail);
}

std::string_view why_ended(std::string_view ended) {
    if (ended == "deadline") return "as long as was asked";
    if (ended == "asked") return "and was restored early, because somebody asked for it";
    if (ended == "room") return "and was restored early, because the room for results was falling below the margin";
    if (ended == "store") return "and was restored early, because the disk did not take records";
    return "and was restored early, because the gateway was told to stop";
}

}  // namespace

std::string rehearsal_progress(json::object const& rehearsal) {
    std::string const waiting = fmt::format("{} ({}) wait here", records_text(number(rehearsal, "waiting_records").value_or(0)),
                                            bytes_text(number(rehearsal, "waiting_bytes").value_or(0)));
    if (json::string_of(rehearsal, "phase") != "away")
        return fmt::format("restored {} ago, {}; link {}", span_text(number(rehearsal, "catch_up_s").value_or(0)), waiting,
                           json::string_of(rehearsal, "link"));
    return fmt::format("away {}, {} left; {}; room {}", span_text(number(rehearsal, "away_s").value_or(0)),
                       span_text(number(rehearsal, "left_s").value_or(0)), waiting, room_text(rehearsal, "room_bytes", "room_hours"));
}

std::string rehearsal_report(json::object const& rehearsal) {
    std::string out = fmt::format("The link was away for {}, {}.\n", span_text(number(rehearsal, "away_s").value_or(0)),
                                  why_ended(json::string_of(rehearsal, "ended")));
    out +=
        fmt::format("When it was restored, {} ({}) waited here; none was dropped.\n",
                    records_text(number(rehearsal, "kept_records").value_or(0)), bytes_text(number(rehearsal, "kept_bytes").value_or(0)));
    auto const* const caught_up = rehearsal.if_contains("caught_up");
    double const took = number(rehearsal, "catch_up_s").value_or(0);
    if (caught_up && caught_up->is_bool() && caught_up->get_bool())
        out += fmt::format("{} the backlog was empty again: {} reached the centre{}.\n",
                           took < 0.1 ? "At once after the restore" : span_text(took) + " after the restore",
                           records_text(number(rehearsal, "caught_up_records").value_or(0)),
                           took < 0.1 ? "" : ", " + grouped(number(rehearsal, "records_per_s").value_or(0)) + " a second");
    else
        out += fmt::format("{} after the restore the centre still lacks {}. They are kept here and sent by themselves. The link is {}.\n",
                           span_text(took), records_text(number(rehearsal, "waiting_records").value_or(0)), link_text(rehearsal));
    out += fmt::format("Least room seen: {}.\n", room_text(rehearsal, "least_room_bytes", "least_room_hours"));
    auto const fits = number(rehearsal, "outage_hours");
    if (fits)
        out += fmt::format("Verdict: an outage of {} would fit at this rate ({} an hour on disk).\n", hours_text(*fits),
                           bytes_text(number(rehearsal, "bytes_per_hour").value_or(0)));
    else
        out +=
            "Verdict: no record came in meanwhile, so this says nothing of how long an outage would fit. Repeat it while instruments "
            "measure.\n";
    return out;
}

}  // namespace marrowlink
