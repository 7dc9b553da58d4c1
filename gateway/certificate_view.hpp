// What the link's certificate files say about time: the days that are left, and whether they are why there is no connection.
#pragma once

#include <optional>
#include <string>

#include "core/clock.hpp"
#include "gateway/config.hpp"

namespace marrowlink {

struct CertificateView {
    std::optional<Clock::Utc> ends;  // of this gateway's own certificate; nothing when it has none that can be read
    bool expired = false;            // its own, or the authority's
    std::string problem;             // why no connection can be made with these files at `now`, as a sentence; empty: their dates are good
};

// Reads the files each time: whoever renews a certificate tells nobody. Of an authority's bundle only the first certificate counts.
CertificateView certificate_view(TlsConfig const& tls, Clock::Utc now);

}  // namespace marrowlink
