#include "drivers/zip_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "drivers/text_table.hpp"

namespace marrowlink {

namespace {

constexpr std::string_view local_signature{"PK\x03\x04", 4}, central_signature{"PK\x01\x02", 4}, end_signature{"PK\x05\x06", 4},
    descriptor_signature{"PK\x07\x08", 4};
constexpr std::size_t local_bytes = 30, central_bytes = 46, end_bytes = 22, descriptor_bytes = 12;  // without what varies in length
constexpr std::uint32_t in_zip64_16 = 0xFFFF, in_zip64_32 = 0xFFFFFFFF;  // "the value stands in the Zip64 record"

std::uint32_t u16(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]) | static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at + 1])) << 8;
}
std::uint32_t u32(std::string_view bytes, std::size_t at) { return u16(bytes, at) | u16(bytes, at + 2) << 16; }

// The end record whose comment reaches exactly to the last byte.
std::optional<std::size_t> end_record(std::string_view bytes) {
    if (bytes.size() < end_bytes) return {};
    std::size_t const lowest = bytes.size() - std::min<std::size_t>(bytes.size(), end_bytes + 0xFFFF);
    for (std::size_t at = bytes.size() - end_bytes;; --at) {
        if (bytes.substr(at, 4) == end_signature && at + end_bytes + u16(bytes, at + 20) == bytes.size()) return at;
        if (at == lowest) return {};
    }
}

bool has_descriptor(std::string_view bytes, ZipPart const& part) { return (u16(bytes, part.header + 6) & 8) != 0; }
// Checksum and sizes behind the data; their signature may be there or not.
std::uint64_t descriptor_of(std::string_view bytes, ZipPart const& part) {
    std::uint64_t const at = part.data + part.packed;
    return at + (bytes.substr(at, 4) == descriptor_signature ? descriptor_signature.size() : 0);
}

std::string four_bytes(std::uint64_t value) {
    std::string out;
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift & 0xFF);
    return out;
}

// Empty blocks that make a deflated stream longer by so many bytes when they stand before it; nothing: there are none of this length.
std::optional<std::string> empty_blocks(std::size_t bytes) {
    using namespace std::literals;
    // A stored block; one, two or three of fixed codes before it.
    constexpr std::string_view five = "\0\0\0\xFF\xFF"sv, six = "\2\0\0\0\xFF\xFF"sv, seven = "\2\x08\0\0\0\xFF\xFF"sv,
                               nine = "\2\x08\x20\0\0\0\0\xFF\xFF"sv;
    std::string out;
    for (; bytes >= 20; bytes -= 5) out += five;
    for (std::string_view const block : {nine, seven, six, five})
        while (bytes >= block.size() && (bytes == block.size() || bytes - block.size() >= 5) && bytes - block.size() != 8) {
            out += block;
            bytes -= block.size();
        }
    if (bytes != 0) return {};
    return out;
}

tl::unexpected<Error> damaged(std::string const& why) { return fail(Fault::refused, fmt::format("The zip archive is damaged: {}.", why)); }

}  // namespace

bool begins_as_zip(std::string_view bytes) { return bytes.starts_with(local_signature) || bytes.starts_with(end_signature); }

std::string_view first_zip_name(std::string_view bytes) {
    if (bytes.size() < local_bytes || !bytes.starts_with(local_signature)) return {};
    std::size_t const name_bytes = u16(bytes, 26);
    return bytes.size() - local_bytes < name_bytes ? std::string_view{} : bytes.substr(local_bytes, name_bytes);
}

Result<ZipDirectory> zip_directory(std::string_view bytes) {
    auto const end = end_record(bytes);
    if (!end) return fail(Fault::unavailable, "the directory at the zip archive's end is missing");
    std::uint32_t const count = u16(bytes, *end + 10), size = u32(bytes, *end + 12), first = u32(bytes, *end + 16);
    if (count == in_zip64_16 || size == in_zip64_32 || first == in_zip64_32)
        return fail(Fault::refused, "The zip archive is of the kind Zip64, which is not read here; save the workbook again.");
    if (u16(bytes, *end + 4) != 0 || u16(bytes, *end + 6) != 0 || u16(bytes, *end + 8) != count)
        return fail(Fault::refused, "The zip archive is one of several that belong together.");
    if (count > zip_parts_max)
        return fail(Fault::refused, fmt::format("The zip archive has {} parts; at most {} are read.", count, zip_parts_max));
    if (std::uint64_t{first} + size != *end) return damaged("its directory does not end where the end record begins");

    ZipDirectory directory;
    directory.comment = *end + end_bytes;
    std::set<std::string_view> names;
    std::size_t at = first;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (*end - at < central_bytes || bytes.substr(at, 4) != central_signature)
            return damaged(fmt::format("entry {} of its directory is missing", i + 1));
        std::uint32_t const flags = u16(bytes, at + 8), packed = u32(bytes, at + 20), unpacked = u32(bytes, at + 24);
        std::uint32_t const method = u16(bytes, at + 10), checksum = u32(bytes, at + 16);
        std::size_t const entry = at, name_bytes = u16(bytes, at + 28), more = u16(bytes, at + 30) + u16(bytes, at + 32);
        std::uint32_t const header = u32(bytes, at + 42);
        if (*end - at < central_bytes + name_bytes + more) return damaged(fmt::format("entry {} of its directory is not whole", i + 1));
        std::string_view const name = bytes.substr(at + central_bytes, name_bytes);
        at += central_bytes + name_bytes + more;
        if (flags & 1) return fail(Fault::refused, fmt::format("The part {} of the zip archive is encrypted.", in_quotes(name)));
        if (packed == in_zip64_32 || unpacked == in_zip64_32 || header == in_zip64_32)
            return fail(Fault::refused, "The zip archive is of the kind Zip64, which is not read here; save the workbook again.");
        if (!names.insert(name).second) return damaged(fmt::format("it has two parts {}", in_quotes(name)));
        if (std::uint64_t{header} + local_bytes > first || bytes.substr(header, 4) != local_signature)
            return damaged(fmt::format("the part {} is not where its directory says", in_quotes(name)));
        std::uint64_t const data = std::uint64_t{header} + local_bytes + u16(bytes, header + 26) + u16(bytes, header + 28);
        if (data + packed > first || bytes.substr(header + local_bytes, u16(bytes, header + 26)) != name)
            return damaged(fmt::format("the part {} is not where its directory says", in_quotes(name)));
        directory.parts.push_back({std::string{name}, entry, header, data, packed, unpacked, checksum, method == 0, method == 8});
    }
    if (at != *end) return damaged("its directory holds more than its entries");

    std::sort(directory.parts.begin(), directory.parts.end(), [](ZipPart const& a, ZipPart const& b) { return a.header < b.header; });
    std::uint64_t reached = 0;
    for (ZipPart const& part : directory.parts) {
        if (part.header != reached) return damaged(fmt::format("what stands before the part {} belongs to none", in_quotes(part.name)));
        reached = part.data + part.packed;
        if (has_descriptor(bytes, part)) reached = descriptor_of(bytes, part) + descriptor_bytes;
    }
    if (reached != first) return damaged("what stands before its directory belongs to no part");
    return directory;
}

std::optional<std::vector<ZipPatch>> zip_patches(std::string_view bytes, ZipPart const& part, std::string_view from, ZipPart const& other) {
    if (part.stored != other.stored || part.deflated != other.deflated || other.packed > part.packed) return {};
    if (part.stored && other.packed != part.packed) return {};
    auto const before = empty_blocks(static_cast<std::size_t>(part.packed - other.packed));
    if (!before) return {};
    std::vector<ZipPatch> patches{{part.data, *before + std::string{from.substr(other.data, other.packed)}}};
    patches.push_back({part.entry + 16, four_bytes(other.checksum)});
    patches.push_back({part.entry + 24, four_bytes(other.unpacked)});
    bool const behind = has_descriptor(bytes, part);
    std::uint64_t const at = behind ? descriptor_of(bytes, part) : part.header + 14;
    patches.push_back({at, four_bytes(other.checksum)});
    patches.push_back({at + 8, four_bytes(other.unpacked)});
    return patches;
}

}  // namespace marrowlink
