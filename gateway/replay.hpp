// `marrowlink-gateway replay CAPTURE --driver NAME`: what the gateway's own driver makes of a recorded dialogue. Nothing is stored or sent.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "drivers/capture.hpp"
#include "gateway/reading_text.hpp"

namespace marrowlink {

// Drivers on a wire, by their names in a configuration.
std::vector<std::string> const& replayed_drivers();

struct ReplayOptions {
    std::string driver;
    ReadFormat format = ReadFormat::csv;
    CaptureTransport::Pace pace = CaptureTransport::Pace::as_recorded;
    std::string terminator = "\n";  // of "line"
    std::string read;               // of "biorad", as in its configuration
    std::string plate;              // a run is started on this plate first, as the capture's was; empty: none
};

// `out` receives readings and messages alone; `err` who answered, runs that could not be read, and where the driver says something else
// than what was said to the instrument then. Fails with `refused` when the capture is none or not complete, a run could not be read, the
// driver said something else, or bytes of the instrument were left over; all that could be read is printed before.
Result<void> replay_capture(std::filesystem::path const& file, ReplayOptions const& options, std::ostream& out, std::ostream& err);

}  // namespace marrowlink
