// A rehearsal in plain words, from its JSON (docs/gateway-api.md). Pure.
#pragma once

#include <string>
#include <string_view>

#include "core/json.hpp"

namespace marrowlink {

inline constexpr std::string_view why_a_rehearsal_is_safe =
    "Safe in production, because only the link is touched: instruments are acknowledged after each commit as ever, and no record is "
    "dropped\n"
    "or changed. The gateway refuses to begin unless the link is up, the disk takes records and the room lasts ten times the rehearsal; it "
    "ends\n"
    "early when the room falls below that, or to half. The gateway itself restores the link in time: when this command is killed, when "
    "nobody\n"
    "asks any more, and when the gateway is started again.";

std::string rehearsal_progress(json::object const& rehearsal);  // one line
std::string rehearsal_report(json::object const& rehearsal);    // of one that is over; some lines, each with its end

}  // namespace marrowlink
