#include "core/text.hpp"

#include <fmt/format.h>

#include <array>

namespace marrowlink {
namespace {

// Unicode's table "cp1252 to Unicode"; 0: the five bytes that cp1252 leaves undefined.
constexpr std::array<std::uint16_t, 32> cp1252_high = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178};

// How many bytes of a well-formed sequence start here; 0 when none does (RFC 3629, section 4).
std::size_t sequence_length(std::string_view s) {
    auto const at = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0u; };
    auto const tail = [&](std::size_t i) { return (at(i) & 0xC0) == 0x80; };
    unsigned const lead = at(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        bool const second = tail(1) && !(lead == 0xE0 && at(1) < 0xA0) && !(lead == 0xED && at(1) > 0x9F);
        return second && tail(2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        bool const second = tail(1) && !(lead == 0xF0 && at(1) < 0x90) && !(lead == 0xF4 && at(1) > 0x8F);
        return second && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

std::size_t first_malformed(std::string_view bytes) {
    std::size_t i = 0;
    while (i < bytes.size()) {
        std::size_t const length = sequence_length(bytes.substr(i));
        if (length == 0) return i;
        i += length;
    }
    return std::string_view::npos;
}

void append_code_point(std::string& out, unsigned code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xC0 | code >> 6);
        out += static_cast<char>(0x80 | (code & 0x3F));
    } else {
        out += static_cast<char>(0xE0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
    }
}
}  // namespace

bool is_utf8(std::string_view bytes) { return first_malformed(bytes) == std::string_view::npos; }

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

std::string_view beginning_of(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80) --bytes_max;
    return text.substr(0, bytes_max);
}

Result<std::string> to_utf8(std::string_view bytes, TextEncoding encoding) {
    if (encoding == TextEncoding::utf_8) {
        std::size_t const bad = first_malformed(bytes);
        if (bad != std::string_view::npos)
            return fail(Fault::refused, fmt::format("Byte {} is {:02x}, which is not UTF-8; the line's encoding may be set wrongly.", bad,
                                                    static_cast<unsigned char>(bytes[bad])));
        return std::string{bytes};
    }
    std::string out;
    out.reserve(bytes.size());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        unsigned const byte = static_cast<unsigned char>(bytes[i]);
        bool const special = encoding == TextEncoding::cp1252 && byte >= 0x80 && byte < 0xA0;
        unsigned const code = special ? cp1252_high[byte - 0x80] : byte;
        if (special && code == 0)
            return fail(Fault::refused, fmt::format("Byte {} is {:02x}, which Windows-1252 does not define.", i, byte));
        append_code_point(out, code);
    }
    return out;
}

std::string utf8_of(std::string_view text) { return is_utf8(text) ? std::string{text} : to_utf8(text, TextEncoding::latin_1).value(); }

}  // namespace marrowlink
