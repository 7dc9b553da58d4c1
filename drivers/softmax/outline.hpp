// The blocks of a SoftMax Pro export, and whether its own end is there. Facts: notes.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drivers/document.hpp"
#include "drivers/text_table.hpp"

namespace marrowlink::softmax {

constexpr std::size_t blocks_max = 1'000;  // of one file; one more: refused

struct Block {
    std::span<TextLine const> lines;  // the first one names it; without ~End
    std::size_t first_line = 0;       // counted from 1
};

struct Outline {
    std::vector<Block> plates;  // those that are ended, in the file's order
    std::optional<Block> open;  // a plate at the file's end without ~End
    std::string missing;        // of the file's end, in words; empty: it is all there
    std::string saved;          // "Date Last Saved" as written
    std::vector<NameBearing> name_bearing;
};

// Lines point into `table`. Refused: no SoftMax Pro export, or a block of an unknown kind.
Result<Outline> outline_of(TextTable const& table);

}  // namespace marrowlink::softmax
