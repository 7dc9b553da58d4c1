// The sentences of the alarm strip: what is wrong and what to do. One condition is one alarm: raised when it begins, cleared when it ends.
#pragma once

#include <string>

#include "gateway/certificate_view.hpp"
#include "gateway/forwarder.hpp"
#include "gateway/instrument.hpp"
#include "gateway/status.hpp"

namespace marrowlink::alarms {

Alarm outbox_set_aside(std::string reason);
Alarm outbox_forked(std::string reason);
Alarm outbox_full(std::string reason);
Alarm outbox_cannot_write(std::string reason);
Alarm configuration_refused(std::string reason);
Alarm restart_needed(std::string sections);
Alarm rehearsal(std::string const& until);  // RFC 3339

// A file refused or incomplete for ten minutes; an alarm with no id when there is nothing to say yet.
Alarm file_not_taken(FileState const& file, Clock::Instant now);

void follow_link(StatusBoard& board, LinkStatus const& status);
// At 30, 7 and 1 days before the end of the gateway's certificate, each a new alarm in place of the last; then that it has ended.
void follow_certificate(StatusBoard& board, CertificateView const& certificate, Clock::Utc now);
void follow_instrument(StatusBoard& board, std::string const& id, ConnectionStatus const& status);
void follow_room(StatusBoard& board, DiskView const& disk);

}  // namespace marrowlink::alarms
