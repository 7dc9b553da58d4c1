#include "drivers/fcs/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace marrowlink::fcs {

namespace {

constexpr std::uint64_t see_text = 99'999'999;  // FlowJo's way of saying 0 (flowCore#25)

struct Segment {
    std::uint64_t begin = 0, end = 0;  // inclusive, from the start of the data set, as written
    std::string_view from;             // "HEADER", "TEXT"
    bool stated() const { return begin >= header_bytes && end >= begin && begin != see_text && end != see_text; }
    std::uint64_t length() const { return end - begin + 1; }
};

// Six numbers of eight characters. A blank field is 0; so is one that is no number, except in TEXT's.
std::optional<std::uint64_t> header_field(std::string_view header, int index) {
    std::string_view const field = trimmed(header.substr(10 + 8 * static_cast<std::size_t>(index), 8));
    return field.empty() ? std::optional<std::uint64_t>{0} : whole_number(field);
}

Result<std::uint64_t> required_number(Text const& text, std::string_view name) {
    if (!text.has(name)) return fail(Fault::refused, fmt::format("TEXT has no {}; a whole number was expected.", name));
    auto const number = whole_number(text.value(name));
    if (!number)
        return fail(Fault::refused, fmt::format("{} is \"{}\"; a whole number was expected.", name, utf8(text.value(name)).substr(0, 40)));
    return *number;
}

// All bits of the smallest power of two that is not below the range.
std::uint32_t range_mask(std::string_view range, std::uint32_t bits, std::string_view name, std::vector<std::string>& notes) {
    double number = 0;
    auto const [end, error] = std::from_chars(range.data(), range.data() + range.size(), number);
    if (error != std::errc{} || end != range.data() + range.size() || !(number > 1)) {
        notes.push_back(fmt::format("{} is \"{}\", which gives no bit mask; values are as stored", name, utf8(range).substr(0, 40)));
        return ~0U;
    }
    for (std::uint32_t width = 1; width < bits; ++width)
        if (std::ldexp(1.0, static_cast<int>(width)) >= number) return (1U << width) - 1;
    return ~0U;
}

Result<void> read_columns(DataSet& set, std::vector<std::string>& notes) {
    auto const parameters = required_number(set.text, "$PAR");
    if (!parameters) return fail(parameters.error());
    if (*parameters == 0 || *parameters > parameters_max)
        return fail(Fault::refused, fmt::format("$PAR is {}; between 1 and {} parameters are read.", *parameters, parameters_max));

    std::string_view const type = set.text.value("$DATATYPE");
    std::string_view const mode = set.text.value("$MODE");
    if (!mode.empty() && mode != "L" && mode != "l")
        return fail(Fault::refused, fmt::format("$MODE is \"{}\"; only list mode (L) is read, not histograms.", utf8(mode).substr(0, 40)));

    std::string_view const order = set.text.value("$BYTEORD");
    if (order == "4,3,2,1" || order == "2,1" || order == "8,7,6,5,4,3,2,1")
        set.big_endian = true;
    else if (order != "1,2,3,4" && order != "1,2" && order != "1,2,3,4,5,6,7,8")
        return fail(Fault::refused, fmt::format("$BYTEORD is \"{}\"; 1,2,3,4 or 4,3,2,1 was expected.", utf8(order).substr(0, 40)));

    for (std::uint64_t n = 1; n <= *parameters; ++n) {
        auto const name = [n](std::string_view suffix) { return fmt::format("$P{}{}", n, suffix); };
        auto const bits = required_number(set.text, name("B"));
        if (!bits) return fail(bits.error());
        std::string_view own_type = set.text.value(name("DATATYPE"));  // FCS 3.2
        if (own_type.empty()) own_type = type;

        CytometryParameter parameter{utf8(set.text.value(name("N"))), utf8(set.text.value(name("S"))), 0, utf8(set.text.value(name("R")))};
        Column column;
        column.offset = static_cast<std::uint32_t>(set.event_bytes);
        if (own_type == "I") {
            if (*bits == 0 || (*bits > 16 && *bits != 24 && *bits != 32))
                return fail(Fault::refused, fmt::format("$P{}B is {}; integers of up to 16, of 24 and of 32 bits are read.", n, *bits));
            // FC 500 says 10 and stores 16; that it does is proved when DATA's length is compared with $TOT.
            column.bytes = *bits <= 8 ? 1 : *bits <= 16 ? 2 : *bits / 8;
            if (*bits % 8 != 0) notes.push_back(fmt::format("$P{}B is {} but values are stored in {} bits", n, *bits, column.bytes * 8));
            column.mask = range_mask(set.text.value(name("R")), column.bytes * 8, name("R"), notes);
        } else if (own_type == "F" || own_type == "D") {
            std::uint64_t const expected = own_type == "F" ? 32 : 64;
            if (*bits != expected)
                return fail(Fault::refused, fmt::format("$P{}B is {}; $DATATYPE {} has {} bits.", n, *bits, own_type, expected));
            column.kind = own_type == "F" ? Kind::float32 : Kind::float64;
            column.bytes = static_cast<std::uint32_t>(expected / 8);
        } else {
            return fail(Fault::refused, fmt::format("$DATATYPE is \"{}\"; I, F or D was expected (A, numbers as text, is not read).",
                                                    utf8(own_type).substr(0, 40)));
        }
        parameter.bits = static_cast<int>(*bits);
        set.event_bytes += column.bytes;
        set.parameters.push_back(std::move(parameter));
        set.columns.push_back(column);
    }
    return {};
}

// The pair whose length is $TOT × event size; of two, the one that starts right behind TEXT; a byte too many at the end is common.
// README of the rule: neither side is always right (CyAn: HEADER, S1400EXi: TEXT).
Result<Segment> choose_data(Segment const& header, Segment const& text, std::uint64_t need, std::uint64_t text_end,
                            std::vector<std::string>& notes) {
    bool const differ = header.stated() && text.stated() && (header.begin != text.begin || header.end != text.end);
    auto const both = [&] { return fmt::format("HEADER {}-{}, TEXT {}-{}", header.begin, header.end, text.begin, text.end); };
    for (std::uint64_t surplus : {std::uint64_t{0}, std::uint64_t{1}}) {
        bool const by_header = header.stated() && header.length() == need + surplus;
        bool const by_text = text.stated() && text.length() == need + surplus;
        if (!by_header && !by_text) continue;
        if (by_header && by_text && header.begin != text.begin) {
            if ((header.begin == text_end + 1) == (text.begin == text_end + 1))
                return fail(Fault::refused,
                            fmt::format("DATA offsets disagree: {}; both lengths fit $TOT and neither starts right behind TEXT.", both()));
            Segment const& chosen = header.begin == text_end + 1 ? header : text;
            notes.push_back(
                fmt::format("DATA offsets disagree: {}; right: {}, both lengths fit and it starts right after TEXT", both(), chosen.from));
            return chosen;
        }
        Segment const& chosen = by_header ? header : text;
        if (differ)
            notes.push_back(fmt::format("DATA offsets disagree: {}; right: {}, its length is events x event size", both(), chosen.from));
        if (surplus > 0) notes.push_back(fmt::format("DATA ends one byte too far by {}", chosen.from));
        return chosen;
    }
    // iQue writes the beginning as the end (FlowIO#25): the beginning alone is a statement.
    for (Segment const* one : {&header, &text})
        if (one->stated() && one->end == one->begin && (!differ || text.begin == header.begin)) {
            notes.push_back(fmt::format("DATA ends where it begins by {}; its length is taken from $TOT", one->from));
            return Segment{one->begin, one->begin + need - 1, one->from};
        }
    if (differ)
        return fail(Fault::refused, fmt::format("DATA offsets disagree: {}; neither holds the {} bytes that $TOT promises.", both(), need));
    if (header.stated()) return header;
    if (text.stated()) return text;
    return fail(Fault::refused, "Neither HEADER nor TEXT says where DATA is.");
}

// Sets `data`, `promised` and `present`; returns what is missing, in words.
Result<std::string> locate_data(std::string_view bytes, DataSet& set, Segment const& header, std::uint64_t text_end,
                                std::vector<std::string>& notes) {
    auto const offset = [&](std::string_view name) { return whole_number(set.text.value(name)).value_or(0); };
    Segment const text{offset("$BEGINDATA"), offset("$ENDDATA"), "TEXT"};
    bool const counted = set.text.has("$TOT");
    if (counted) {
        auto const total = required_number(set.text, "$TOT");
        if (!total) return fail(total.error());
        set.promised = *total;
    } else {
        Segment const& stated = header.stated() ? header : text;
        if (!stated.stated()) return fail(Fault::refused, "TEXT has no $TOT, and neither HEADER nor TEXT says where DATA is.");
        if (stated.length() < set.event_bytes)
            return fail(Fault::refused,
                        fmt::format("TEXT has no $TOT, and DATA's {} bytes hold no event of {} bytes.", stated.length(), set.event_bytes));
        set.promised = stated.length() / set.event_bytes;
        notes.push_back("TEXT has no $TOT; events are counted from the length of DATA");
    }
    set.data = set.at;
    if (set.promised == 0) return std::string{};
    if (set.promised > (std::uint64_t{1} << 62) / set.event_bytes)
        return fail(Fault::refused, fmt::format("$TOT is {}; that many events of {} bytes fit no file.", set.promised, set.event_bytes));

    std::uint64_t const need = set.promised * set.event_bytes;
    auto const chosen = choose_data(header, text, need, text_end, notes);
    if (!chosen) return fail(chosen.error());
    if (chosen->length() > need + 1 && !counted)
        return fail(Fault::refused, fmt::format("DATA holds {} bytes by {}, which are not whole events of {} bytes; TEXT has no $TOT.",
                                                chosen->length(), chosen->from, set.event_bytes));
    if (chosen->length() > need + 1)
        return fail(Fault::refused, fmt::format("DATA holds {} bytes by {}; $TOT promises {} events of {} bytes, which are {}.",
                                                chosen->length(), chosen->from, set.promised, set.event_bytes, need));

    std::uint64_t const begin = set.at + chosen->begin;
    std::uint64_t const there = begin >= bytes.size() ? 0 : std::min<std::uint64_t>(chosen->length(), bytes.size() - begin);
    set.present = std::min(set.promised, there / set.event_bytes);
    set.claimed += set.present * set.event_bytes;
    if (set.present > 0) set.data = begin;
    if (set.present == set.promised) return std::string{};
    return fmt::format("DATA ends before the event count in {}: {} events promised, {} present", counted ? "$TOT" : "its offsets",
                       set.promised, set.present);
}

// One data set at `set.at`; true when the layout is whole so far.
Result<bool> read_set(std::string_view bytes, DataSet& set, Layout& layout) {
    std::string_view const rest = bytes.substr(set.at);
    if (rest.size() < header_bytes) {
        layout.missing = fmt::format("HEADER holds {} of {} bytes", rest.size(), header_bytes);
        return false;
    }
    std::string_view const header = rest.substr(0, header_bytes);
    set.version = header.substr(0, 6);
    if (set.version != "FCS2.0" && set.version != "FCS3.0" && set.version != "FCS3.1" && set.version != "FCS3.2")
        return fail(Fault::refused, fmt::format("The version is \"{}\"; FCS2.0, 3.0, 3.1 and 3.2 are read.", set.version));
    if (set.version == "FCS3.2") layout.notes.push_back("FCS3.2 is read by its description; no real file of this version has been tried");

    auto const text_begin = header_field(header, 0), text_last = header_field(header, 1);
    if (!text_begin || !text_last || *text_begin < header_bytes || *text_last <= *text_begin)
        return fail(Fault::refused, fmt::format("HEADER's TEXT offsets are \"{}\"; two numbers, the first at least {}, were expected.",
                                                utf8(header.substr(10, 16)), header_bytes));
    if (*text_last - *text_begin >= text_bytes_max)
        return fail(Fault::refused,
                    fmt::format("HEADER gives TEXT {} bytes; at most {} are read.", *text_last - *text_begin + 1, text_bytes_max));
    if (*text_last >= rest.size()) {
        layout.missing = fmt::format("TEXT ends at byte {}, the file has {} bytes", set.at + *text_last, bytes.size());
        return false;
    }
    set.text.delimiter = rest[*text_begin];
    auto const code = static_cast<unsigned char>(set.text.delimiter);
    if (code <= ' ' ? code == 0 || code == ' ' : (code >= '0' && code <= '9') || ((code | 32) >= 'a' && (code | 32) <= 'z'))
        return fail(Fault::refused, fmt::format("TEXT starts with byte {:02X}h, which is no delimiter.", code));
    if (auto read = read_keywords(bytes, set.at + *text_begin, set.at + *text_last + 1, "TEXT", set.text); !read) return fail(read.error());

    set.claimed = *text_last - *text_begin + 1;
    // FCS 3.0 and later; some repeat TEXT's own offsets here.
    auto const more_begin = whole_number(set.text.value("$BEGINSTEXT")).value_or(0),
               more_last = whole_number(set.text.value("$ENDSTEXT")).value_or(0);
    if (more_begin >= header_bytes && more_last > more_begin && more_begin != *text_begin) {
        if (more_last - more_begin >= text_bytes_max)
            return fail(Fault::refused,
                        fmt::format("Supplemental TEXT has {} bytes; at most {} are read.", more_last - more_begin + 1, text_bytes_max));
        set.claimed += more_last - more_begin + 1;
        if (more_last >= rest.size()) {
            layout.missing = fmt::format("Supplemental TEXT ends at byte {}, the file has {} bytes", set.at + more_last, bytes.size());
        } else if (auto read = read_keywords(bytes, set.at + more_begin, set.at + more_last + 1, "Supplemental TEXT", set.text); !read) {
            return fail(read.error());
        }
    }
    for (auto const& note : set.text.notes) layout.notes.push_back(note);

    if (auto columns = read_columns(set, layout.notes); !columns) return fail(columns.error());
    Segment const data{header_field(header, 2).value_or(0), header_field(header, 3).value_or(0), "HEADER"};
    auto const missing = locate_data(bytes, set, data, *text_last, layout.notes);
    if (!missing) return fail(missing.error());
    if (!missing->empty()) layout.missing = *missing;
    return layout.missing.empty();
}

}  // namespace

bool has_magic(std::string_view bytes) {
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    return bytes.size() >= 6 && bytes.substr(0, 3) == "FCS" && digit(bytes[3]) && bytes[4] == '.' && digit(bytes[5]);
}

Result<Layout> read_layout(std::string_view bytes) {
    if (!has_magic(bytes))
        return fail(Fault::refused, "This is not an FCS header: \"FCS\" and a version were expected in the first six bytes.");
    Layout layout;
    std::uint64_t claimed = 0;
    std::size_t keywords = 0;
    for (std::uint64_t at = 0;;) {
        if (layout.sets.size() == datasets_max)
            return fail(Fault::refused, fmt::format("The file holds more than {} data sets, the most that are read.", datasets_max));
        DataSet set;
        set.at = at;
        auto const whole = read_set(bytes, set, layout);
        if (!whole) {
            if (at == 0) return fail(whole.error());
            return fail(whole.error().fault, fmt::format("Data set {} at byte {}: {}", layout.sets.size() + 1, at, whole.error().message));
        }
        claimed += set.claimed;
        keywords += set.text.keywords.size();
        if (claimed > overlap_max * bytes.size())
            return fail(Fault::refused,
                        fmt::format("{} data sets claim {} bytes; the file has {}.", layout.sets.size() + 1, claimed, bytes.size()));
        if (keywords > file_keywords_max)
            return fail(Fault::refused, fmt::format("{} data sets hold more than {} keywords, the most a file may have.",
                                                    layout.sets.size() + 1, file_keywords_max));
        std::uint64_t const next = whole_number(set.text.value("$NEXTDATA")).value_or(0);
        if (!set.columns.empty()) layout.sets.push_back(std::move(set));
        if (!*whole || next == 0) return layout;

        if (next > bytes.size() - at) {
            layout.missing = fmt::format("$NEXTDATA announces a data set at byte {}, the file has {} bytes", at + next, bytes.size());
            return layout;
        }
        if (next < header_bytes || !has_magic(bytes.substr(at + next))) {
            // Guava writes the end + 1 without a second data set (fcsparser#1).
            layout.notes.push_back(fmt::format("$NEXTDATA is {}, where no data set begins", next));
            return layout;
        }
        at += next;
    }
}

}  // namespace marrowlink::fcs
