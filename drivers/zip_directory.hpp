// Where the parts of a ZIP archive lie in its bytes, by its central directory (PKWARE APPNOTE 6.3, 4.3). Unpacking is not done here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink {

constexpr std::size_t zip_parts_max = 4'096;  // one more: refused

struct ZipPart {
    std::string name;
    std::uint64_t entry = 0;     // first byte of its entry in the directory
    std::uint64_t header = 0;    // first byte of its local header
    std::uint64_t data = 0;      // first byte of its packed data
    std::uint64_t packed = 0;    // bytes
    std::uint64_t unpacked = 0;  // bytes, as the directory says
    std::uint32_t checksum = 0;  // CRC-32 of what is unpacked, as the directory says
    bool stored = false;         // not packed at all
    bool deflated = false;       // RFC 1951
};

struct ZipDirectory {
    std::vector<ZipPart> parts;  // as they lie in the file
    std::uint64_t comment = 0;   // first byte of the archive's comment, which reaches to the end
};

bool begins_as_zip(std::string_view bytes);
std::string_view first_zip_name(std::string_view bytes);  // of its first part, whatever follows; empty where the bytes end before

// `unavailable`: the directory at the archive's end is missing or not whole. Refused: encrypted parts, Zip64, several disks, two parts of
// one name, and bytes that belong to no part, so that nothing can hide there.
Result<ZipDirectory> zip_directory(std::string_view bytes);

// Bytes to write over others from `offset` on.
struct ZipPatch {
    std::uint64_t offset = 0;
    std::string bytes;
};

// What makes `part` of the archive `bytes` hold the content of `other`, a part of the archive `from`, while every byte behind it stays
// where it is. Nothing: the methods differ, or it cannot be made as long as what it takes the place of.
std::optional<std::vector<ZipPatch>> zip_patches(std::string_view bytes, ZipPart const& part, std::string_view from, ZipPart const& other);

}  // namespace marrowlink
