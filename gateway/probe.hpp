// `marrowlink-gateway probe`: which instrument is on a port.
#pragma once

#include <iosfwd>
#include <optional>

#include "core/settings.hpp"
#include "drivers/probe.hpp"
#include "io/serial.hpp"

namespace marrowlink {

struct ProbePort {
    SerialSettings serial;                 // without `to`
    std::optional<settings::HostPort> to;  // a connection in the port's place
};

// Opens the port for itself, probes, and says in a line who is there and what to configure. `unavailable` when nobody speaks or answers.
Result<void> probe_port(ProbePort const& port, ProbeOptions const& options, std::ostream& out);

}  // namespace marrowlink
