#include "drivers/zip_directory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
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
        std::size_t const name_bytes = u16(bytes, at + 28), more = u16(bytes, at + 30) + u16(bytes, at + 32);
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
        directory.parts.push_back({std::string{name}, header, data, packed, unpacked});
    }
    if (at != *end) return damaged("its directory holds more than its entries");

    std::sort(directory.parts.begin(), directory.parts.end(), [](ZipPart const& a, ZipPart const& b) { return a.header < b.header; });
    std::uint64_t reached = 0;
    for (ZipPart const& part : directory.parts) {
        if (part.header != reached) return damaged(fmt::format("what stands before the part {} belongs to none", in_quotes(part.name)));
        reached = part.data + part.packed;
        if (u16(bytes, part.header + 6) & 8)
            reached += descriptor_bytes + (bytes.substr(reached, 4) == descriptor_signature ? descriptor_signature.size() : 0);
    }
    if (reached != first) return damaged("what stands before its directory belongs to no part");
    return directory;
}

}  // namespace marrowlink
