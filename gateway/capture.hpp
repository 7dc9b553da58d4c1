// `marrowlink-gateway capture`: what an instrument says, in a file, as it comes. docs/captures.md has the file's form.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/settings.hpp"
#include "io/serial.hpp"

namespace marrowlink {

struct CaptureOptions {
    SerialSettings serial;                 // without `to`
    std::optional<settings::HostPort> to;  // a connection in the port's place
    std::filesystem::path out;             // must not be there yet; readable by its owner alone, as an instrument may say names
    // A pseudo-terminal with this name is put between the instrument and the program that opens it (a vendor's software, a gateway): both
    // sides are recorded. Empty: listened to only, and nothing is ever said to the instrument.
    std::filesystem::path link;
};

// Until SIGTERM or SIGINT, or the line ends; the end line is written in both cases. Bytes are on disk before they are handed on.
Result<void> capture_line_of(CaptureOptions const& options);

}  // namespace marrowlink
