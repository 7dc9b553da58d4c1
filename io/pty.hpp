// The instrument's end of a pseudo-terminal, for simulators: the gateway opens the other end as a serial port.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "core/transport.hpp"

namespace marrowlink {

struct Pty {
    // Stays open while nobody holds the other end: reads then wait for the next opener. Destroying it is pulling the cable.
    std::unique_ptr<Transport> line;
    std::string path;  // of the gateway's end, "/dev/pts/7"; raw, so that nothing is echoed before the gateway opens it
};
Result<Pty> open_pty(boost::asio::any_io_executor loop, Clock& clock);  // the clock outlives the line

// Makes `link` point to `path`, replacing an earlier link in one step; anything else that stands there is refused.
Result<void> link_pty(std::string const& path, std::filesystem::path const& link);

}  // namespace marrowlink
