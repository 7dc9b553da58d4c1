// A run's readings made anew from the bytes that its instrument gave. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/reading.hpp"
#include "core/run.hpp"

namespace marrowlink::central {

struct Original {
    RunFile file;
    std::string bytes;  // as they left the site: names of people are spaces in it
};

// As the driver sent them. Refused: what the format's parser refuses, and a transcript that says nothing without its driver's settings (the
// registers of a Modbus instrument).
Result<std::vector<Reading>> readings_in(std::vector<Original> const& originals);

}  // namespace marrowlink::central
