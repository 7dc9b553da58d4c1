#include "drivers/fcs/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/sha256.hpp"

namespace marrowlink::fcs {

namespace {

constexpr std::array exact{
    std::string_view{"$OP"},  std::string_view{"$EXP"},  std::string_view{"$SRC"},     std::string_view{"$FIL"},
    std::string_view{"$COM"}, std::string_view{"$SMNO"}, std::string_view{"@BARCODE"}, std::string_view{"$LAST_MODIFIER"},
};

// Compared with blanks and underscores left out: "SAMPLE ID", "SAMPLEID", "SAMPLE_ID" are one.
constexpr std::array parts{
    std::string_view{"USERNAME"},       std::string_view{"LOGINNAME"},      std::string_view{"OPERATOR"}, std::string_view{"PATIENT"},
    std::string_view{"SUBJECT"},        std::string_view{"DONOR"},          std::string_view{"BIRTH"},    std::string_view{"PHYSICIAN"},
    std::string_view{"INVESTIGATOR"},   std::string_view{"EMAIL"},          std::string_view{"AUTHOR"},   std::string_view{"SAMPLEID"},
    std::string_view{"SAMPLENAME"},     std::string_view{"SPECIMEN"},       std::string_view{"TUBENAME"}, std::string_view{"FILENAME"},
    std::string_view{"DATAFILEPREFIX"}, std::string_view{"EXPERIMENTNAME"}, std::string_view{"COMMENT"},
};

// 32 hexadecimal digits, dashes and braces apart; anything else in a GUID's place identifies nothing.
std::string guid(std::string_view text) {
    std::string digits;
    for (char c : text) {
        if (c == '-' || c == '{' || c == '}') continue;
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return {};
        digits.push_back(c);
    }
    bool const informative = digits.find_first_not_of(digits.empty() ? '0' : digits.front()) != digits.npos;
    return digits.size() == 32 && informative ? digits : std::string{};
}

}  // namespace

bool may_name_a_person(std::string_view keyword) {
    if (std::find(exact.begin(), exact.end(), keyword) != exact.end()) return true;
    std::string plain;
    for (char const c : keyword)
        if (c != ' ' && c != '_' && c != '-') plain.push_back(c);
    return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return plain.find(part) != plain.npos; });
}

std::vector<NameBearing> name_bearing(Layout const& layout, std::string_view bytes) {
    std::vector<NameBearing> found;
    auto const collect = [&](std::vector<Keyword> const& keywords) {
        for (Keyword const& keyword : keywords)
            if (!trimmed(keyword.value).empty() && may_name_a_person(keyword.name))
                found.push_back({keyword.offset, keyword.length, utf8(keyword.name)});
    };
    std::uint64_t searched = 0;
    for (DataSet const& set : layout.sets) {
        collect(set.text.keywords);
        std::uint64_t begin = whole_number(set.text.value("$BEGINANALYSIS")).value_or(0),
                      last = whole_number(set.text.value("$ENDANALYSIS")).value_or(0);
        if (last <= begin) {
            begin = whole_number(bytes.substr(set.at + 42, 8)).value_or(0);
            last = whole_number(bytes.substr(set.at + 50, 8)).value_or(0);
        }
        if (begin < header_bytes || last <= begin || last >= bytes.size() - set.at || last - begin >= text_bytes_max) continue;
        // No two ANALYSIS segments share bytes, so more than the file holds has been searched already.
        if ((searched += last - begin) > bytes.size()) break;
        Text analysis;
        analysis.delimiter = set.text.delimiter;
        // ANALYSIS that is no keyword segment has no keyword to find; what was read before a limit still counts.
        (void)read_keywords(bytes, set.at + begin, set.at + last + 1, "ANALYSIS", analysis);
        collect(analysis.keywords);
    }
    std::sort(found.begin(), found.end(), [](NameBearing const& a, NameBearing const& b) { return a.offset < b.offset; });
    return found;
}

std::string identity(Text const& text) {
    for (std::string_view const name : {"GUID", "FILE GUID", "@FILEGUID"})
        if (std::string const digits = guid(text.value(name)); !digits.empty()) return "guid:" + digits;
    std::string_view const serial = text.value("$CYTSN"), date = text.value("$DATE"), time = text.value("$BTIM"), file = text.value("$FIL");
    if (serial.empty() || date.empty() || time.empty() || file.empty()) return {};
    // The length of each part goes in, so that no two files share a text.
    std::string const all =
        fmt::format("{}:{}{}:{}{}:{}{}:{}", serial.size(), serial, date.size(), date, time.size(), time, file.size(), file);
    return fmt::format("cytometer:{} {} {} {}", utf8(serial), utf8(date), utf8(time), hex(sha256(all)));
}

}  // namespace marrowlink::fcs
