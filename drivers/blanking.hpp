// The copy of an original that may leave the site: spaces where people's names may stand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drivers/document.hpp"

namespace marrowlink {

// Original bytes that spaces or others replaced. Never across a multiple of block_bytes_max, so that each belongs to one run.file chunk.
struct BlankedPiece {
    std::uint64_t offset = 0;
    std::string bytes;
};

struct BlankedCopy {
    std::string bytes;                 // as long as the original
    std::vector<BlankedPiece> pieces;  // in order, no overlap: bytes + pieces = the original
    std::uint64_t blanked = 0;         // bytes of all pieces
};

// Fields may overlap and reach beyond the end.
BlankedCopy copy_without(std::string bytes, std::vector<NameBearing> const& fields);

}  // namespace marrowlink
