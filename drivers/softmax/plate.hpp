// One Plate: block of a SoftMax Pro export. Facts: notes.md.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "core/reading.hpp"
#include "drivers/decimal.hpp"
#include "drivers/softmax/outline.hpp"

namespace marrowlink::softmax {

constexpr std::size_t wavelengths_max = 16;      // of one plate; one more: refused
constexpr std::size_t readings_max = 2'000'000;  // of one file; one more: refused

struct Findings {
    std::vector<Reading> readings;  // values as written
    DecimalSeparator separator;
    std::vector<std::string> notes;
    std::set<std::string> plates;  // names seen
};

// Adds the block's readings, or refuses it; the message names the line.
Result<void> read_plate(Block const& block, Findings& findings);

}  // namespace marrowlink::softmax
