#include "gateway/alarms.hpp"

#include <fmt/format.h>

#include <array>

#include "core/log.hpp"

namespace marrowlink::alarms {
namespace {

Alarm alarm(std::string id, Severity severity, std::string what, std::string todo, std::string subject = {}) {
    Alarm made;
    made.id = std::move(id);
    made.subject = std::move(subject);
    made.severity = severity;
    made.what = std::move(what);
    made.todo = std::move(todo);
    return made;
}

struct LinkSentence {
    LinkState state;
    std::string_view id;
    Severity severity;
    std::string_view what, todo;
};
constexpr std::array link_sentences = {
    LinkSentence{LinkState::refused, "link.refused", Severity::warn, "The broker cannot be reached.",
                 "Nothing is lost: results are kept here and sent when it is back. Check the network cable and the broker's address."},
    LinkSentence{LinkState::centre_away, "link.centre_away", Severity::warn, "The broker is there, central analysis is not.",
                 "Nothing is lost: results are kept here and sent when it is back. Tell the centre if this lasts."},
    LinkSentence{LinkState::not_authorised, "link.not_authorised", Severity::error, "The broker refuses this gateway.",
                 "Ask the administrator to check this gateway's user, certificate and the broker's access list."},
    LinkSentence{LinkState::taken_over, "link.taken_over", Severity::error, "Another gateway uses this gateway's id.",
                 "Two gateways share one client id. Stop one of them, or give it its own id in its configuration."},
    LinkSentence{LinkState::stalled, "link.stalled", Severity::error, "Results are sent, but the centre does not acknowledge them.",
                 "Nothing is lost and it is tried again by itself. Tell the centre if this lasts."},
    LinkSentence{LinkState::centre_disagrees, "link.centre_disagrees", Severity::error,
                 "The centre holds other records under this gateway's stream.",
                 "Nothing is removed here. The outbox may have been copied or restored from a backup: call the administrator."},
};
}  // namespace

Alarm outbox_set_aside(std::string reason) {
    Alarm made = alarm("outbox.set_aside", Severity::error, "The store of results was damaged and has been set aside.",
                       "New results are kept in a new store; what can still be read of the old one is being sent. Call the administrator.");
    made.parameters["reason"] = std::move(reason);
    return made;
}

Alarm outbox_forked(std::string reason) {
    Alarm made = alarm("outbox.forked", Severity::error, "The store of results was copied or restored from a backup.",
                       "Nothing is lost: what the centre does not have is sent in a new stream. Make sure that no second gateway uses a "
                       "copy, and call the "
                       "administrator.");
    made.parameters["reason"] = std::move(reason);
    return made;
}

Alarm outbox_full(std::string reason) {
    Alarm made =
        alarm("outbox.full", Severity::error, "The space for results is used up: instruments are no longer acknowledged.",
              "Restore the connection to the centre, or raise the budget in the configuration. It goes on by itself when there is room.");
    made.parameters["reason"] = std::move(reason);
    return made;
}

Alarm outbox_cannot_write(std::string reason) {
    Alarm made =
        alarm("outbox.cannot_write", Severity::error, "Results cannot be written to the disk: instruments are no longer acknowledged.",
              "Check that the disk is not full, read-only or failing. It is tried again by itself.");
    made.parameters["reason"] = std::move(reason);
    return made;
}

Alarm configuration_refused(std::string reason) {
    Alarm made = alarm("configuration.refused", Severity::warn, "The changed configuration has mistakes; the last good one stays in force.",
                       "Run marrowlink-gateway check, mend what it names, and reload.");
    made.parameters["reason"] = std::move(reason);
    return made;
}

Alarm restart_needed(std::string sections) {
    Alarm made = alarm("configuration.restart_needed", Severity::warn, "A changed setting takes effect only after a restart.",
                       "Restart the gateway when no instrument is measuring.");
    made.parameters["sections"] = std::move(sections);
    return made;
}

Alarm rehearsal(std::string const& until) {
    Alarm made =
        alarm("link.rehearsal", Severity::warn,
              fmt::format("An outage is being rehearsed until {} UTC: the link to the centre is closed on purpose.", until.substr(11, 5)),
              "This is no fault, and nothing needs to be done: results are kept here, and the link opens again by itself.");
    made.parameters["until"] = until;
    return made;
}

Alarm file_not_taken(FileState const& file, Clock::Instant now) {
    constexpr std::chrono::minutes patience{10};
    bool const stuck = file.standing == FileStanding::refused || file.standing == FileStanding::incomplete;
    if (!stuck || now - file.since < patience) return {};
    Alarm made = alarm("file.not_taken", Severity::warn,
                       fmt::format("The file {} has been {} for ten minutes.", file.name, text_of(file.standing)), file.reason, file.name);
    made.parameters["name"] = file.name;
    made.parameters["reason"] = file.reason;
    return made;
}

void follow_link(StatusBoard& board, LinkStatus const& status) {
    for (LinkSentence const& sentence : link_sentences) {
        if (sentence.state != status.state) {
            board.clear(sentence.id);
            continue;
        }
        Alarm made = alarm(std::string{sentence.id}, sentence.severity, std::string{sentence.what}, std::string{sentence.todo});
        made.parameters["detail"] = status.detail;
        board.raise(std::move(made));
    }
    if (status.forgotten > 0) {
        Alarm made = alarm("link.records_forgotten", Severity::error,
                           fmt::format("The centre asks for {} results that are no longer kept here.", status.forgotten),
                           "The centre was restored from an old backup. Its administrator must restore a newer one.");
        made.parameters["count"] = std::to_string(status.forgotten);
        board.raise(std::move(made));
    }
}

void follow_certificate(StatusBoard& board, CertificateView const& certificate, Clock::Utc now) {
    if (certificate.expired) {
        Alarm made =
            alarm("link.certificate_expired", Severity::error, "The certificate of this gateway has expired.",
                  "Nothing is lost: results are kept here. Ask the administrator for a renewed certificate; it is used without a restart.");
        made.parameters["detail"] = certificate.problem;
        if (board.raise(std::move(made))) log::error("link.certificate_expired", {{"detail", certificate.problem}});
    } else {
        board.clear("link.certificate_expired");
    }
    using std::chrono::days;
    auto const left = certificate.ends ? std::chrono::floor<days>(*certificate.ends - now) : days::max();
    days within = days::max();
    for (days const threshold : {days{30}, days{7}, days{1}})
        if (!certificate.expired && left <= threshold) within = threshold;
    for (days const threshold : {days{30}, days{7}, days{1}}) {
        std::string const subject = std::to_string(threshold.count());
        if (threshold != within) {
            board.clear("certificate.ends", subject);
            continue;
        }
        Alarm made = alarm("certificate.ends", within == days{1} ? Severity::error : Severity::warn,
                           fmt::format("The certificate of this gateway ends in {} days.", left.count()),
                           "Ask the administrator to renew it; the new one is used without a restart.", subject);
        made.parameters["days"] = std::to_string(left.count());
        if (board.raise(std::move(made))) log::warn("certificate.ends", {{"days", left.count()}, {"at", rfc3339(*certificate.ends)}});
    }
}

void follow_instrument(StatusBoard& board, std::string const& id, ConnectionStatus const& status) {
    if (status.detail.empty()) {
        board.clear("instrument.unreachable", id);
        return;
    }
    Alarm made = alarm("instrument.unreachable", Severity::warn, fmt::format("{} cannot be read.", id), status.detail, id);
    made.parameters["detail"] = status.detail;
    board.raise(std::move(made));
}

void follow_room(StatusBoard& board, DiskView const& disk) {
    if (disk.state != DiskState::low) {
        board.clear("outbox.low");
        return;
    }
    Alarm made =
        alarm("outbox.low", Severity::warn, fmt::format("Room for results for {:.0f} more hours at the present rate.", *disk.room_hours),
              "Restore the connection to the centre, or raise the budget.");
    made.parameters["hours"] = fmt::format("{:.0f}", *disk.room_hours);
    board.raise(std::move(made));
}

}  // namespace marrowlink::alarms
