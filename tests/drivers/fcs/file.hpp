// A small FCS file made for one test: HEADER, TEXT and DATA as the standard wants them, and what the test does to it afterwards.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace marrowlink::fcs_test {

inline std::string number(std::uint64_t value, int bytes, bool big_endian = false) {
    std::string result;
    for (int i = 0; i < bytes; ++i) result.push_back(static_cast<char>(value >> (8 * (big_endian ? bytes - 1 - i : i))));
    return result;
}

inline std::string float32(float value, bool big_endian = false) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return number(bits, 4, big_endian);
}

inline std::string float64(double value, bool big_endian = false) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return number(bits, 8, big_endian);
}

struct File {
    std::string version = "FCS3.0";
    char delimiter = '/';
    std::vector<std::pair<std::string, std::string>> keywords;  // written as they are, delimiters in values already doubled
    std::string data;
    std::string header_data;  // sixteen characters in place of HEADER's DATA offsets
    int text_end_shift = 0;

    File& set(std::string_view name, std::string_view value) {
        for (auto& [known, old] : keywords)
            if (known == name) {
                old = value;
                return *this;
            }
        keywords.emplace_back(name, value);
        return *this;
    }
    File& drop(std::string_view name) {
        std::erase_if(keywords, [&](auto const& keyword) { return keyword.first == name; });
        return *this;
    }

    std::string text() const {
        std::string result(1, delimiter);
        for (auto const& [name, value] : keywords) result += name + delimiter + value + delimiter;
        return result;
    }
    std::size_t data_begin() const { return 58 + text().size(); }
    std::string bytes() const {
        std::string const body = text();
        std::size_t const begin = 58 + body.size();
        std::string const offsets = header_data.empty() ? fmt::format("{:8}{:8}", begin, begin + data.size() - 1) : header_data;
        return fmt::format("{}    {:8}{:8}{}{:8}{:8}", version, 58, static_cast<int>(begin) - 1 + text_end_shift, offsets, 0, 0) + body +
               data;
    }
};

// Two parameters FSC-A and SSC-A of `bits` bits; $TOT must be set by the caller.
inline File two_parameters(std::string_view type, int bits, std::string_view order, std::string_view range = "262144") {
    File file;
    file.set("$BYTEORD", order).set("$DATATYPE", type).set("$MODE", "L").set("$NEXTDATA", "0").set("$PAR", "2");
    for (int n = 1; n <= 2; ++n)
        file.set(fmt::format("$P{}N", n), n == 1 ? "FSC-A" : "SSC-A")
            .set(fmt::format("$P{}B", n), std::to_string(bits))
            .set(fmt::format("$P{}R", n), range);
    return file;
}

// Three events of two floats: 1.5 -2, 1000 0.25, 7 8.
inline File three_events() {
    File file = two_parameters("F", 32, "4,3,2,1");
    file.set("$TOT", "3");
    for (float const value : {1.5F, -2.0F, 1000.0F, 0.25F, 7.0F, 8.0F}) file.data += float32(value, true);
    return file;
}

}  // namespace marrowlink::fcs_test
