#include "central/tar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace marrowlink::central {
namespace {
constexpr std::size_t block = 512;
constexpr std::size_t size_offset = 124, size_digits = 11, sum_offset = 148, magic_offset = 257;
constexpr std::string_view magic{"ustar\00000", 8};

constexpr std::size_t padded(std::size_t bytes) { return (bytes + block - 1) / block * block; }

std::string header_of(std::string_view name, std::size_t size) {
    std::string out(block, '\0');
    auto const put = [&](std::size_t offset, std::string_view text) { out.replace(offset, text.size(), text); };
    put(0, name);
    put(100, "0000644");  // mode, owner, group
    put(108, "0000000");
    put(116, "0000000");
    put(size_offset, fmt::format("{:011o}", size));
    put(136, "00000000000");  // time
    put(156, "0");            // a regular file
    put(magic_offset, magic);
    put(329, "0000000");  // device
    put(337, "0000000");
    // The sum of the header's bytes, its own eight counted as spaces.
    unsigned sum = 8 * ' ';
    for (char const c : out) sum += static_cast<unsigned char>(c);
    put(sum_offset, fmt::format("{:06o}", sum));
    out[sum_offset + 7] = ' ';
    return out;
}
}  // namespace

std::size_t first_difference(std::string_view one, std::string_view other) {
    return static_cast<std::size_t>(std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first - one.begin());
}

bool begins_as_tar(std::string_view bytes) { return bytes.size() >= block && bytes.substr(magic_offset, magic.size()) == magic; }

std::string tar_of(std::span<TarMember const> members) {
    std::string out;
    for (TarMember const& member : members) {
        out += header_of(member.name, member.bytes.size());
        out += member.bytes;
        out.resize(padded(out.size()), '\0');
    }
    out.append(2 * block, '\0');
    return out;
}

Result<std::vector<TarMember>> members_in(std::string_view tar) {
    std::vector<TarMember> out;
    std::size_t offset = 0;
    auto const refuse = [](std::size_t at, std::string_view what) {
        return fail(Fault::refused, fmt::format("At byte {}: {}.", at, what));
    };
    while (offset + block <= tar.size() && tar[offset] != '\0') {
        std::string_view const header = tar.substr(offset, block);
        std::string_view const name = header.substr(0, header.find('\0'));
        if (name.size() > tar_name_bytes_max || !std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; }))
            return refuse(offset, "the name of a file was expected");
        std::size_t size = 0;
        char const* const digits = header.data() + size_offset;
        auto const [end, error] = std::from_chars(digits, digits + size_digits, size, 8);
        if (error != std::errc{} || end != digits + size_digits)
            return refuse(offset + size_offset, fmt::format("the size of {} was expected in {} octal digits", name, size_digits));
        if (std::string const wanted = header_of(name, size); wanted != header)
            return refuse(offset + first_difference(header, wanted),
                          fmt::format("the header of {} is not what its name and size give", name));
        offset += block;
        if (size > tar.size() - offset)
            return refuse(offset, fmt::format("{} has {} bytes by its header, and only {} follow", name, size, tar.size() - offset));
        out.push_back({std::string{name}, std::string{tar.substr(offset, size)}});
        std::string_view const padding = tar.substr(offset + size, padded(size) - size);
        if (padding.size() != padded(size) - size) return refuse(tar.size(), fmt::format("the archive ends within {}", name));
        if (auto const stray = padding.find_first_not_of('\0'); stray != std::string_view::npos)
            return refuse(offset + size + stray, fmt::format("only zeros were expected after {}", name));
        offset += padded(size);
    }
    std::string_view const rest = tar.substr(std::min(offset, tar.size()));
    if (auto const stray = rest.find_first_not_of('\0'); stray != std::string_view::npos)
        return refuse(offset + stray, "a header or the archive's end was expected");
    if (rest.size() != 2 * block)
        return refuse(offset, fmt::format("{} zero bytes were expected to end the archive, and {} follow", 2 * block, rest.size()));
    return out;
}

}  // namespace marrowlink::central
