#include "drivers/hl7/parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "drivers/decimal.hpp"
#include "drivers/hl7/message.hpp"

namespace marrowlink::hl7 {

namespace {

// Lengths that docs/schema/run.readings.json allows.
constexpr std::size_t label_bytes_max = 1024, number_bytes_max = 128, unit_bytes_max = 64, word_bytes_max = 100, mark_bytes_max = 20;

// Fields that name no person; all others stay at the site.
struct Shared {
    std::string_view segment;
    std::initializer_list<std::size_t> fields;
};
constexpr std::size_t obx_value = 5, msh_time = 7;
Shared const shared[] = {
    {"MSH", {1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21}},
    {"PID", {1}},
    {"ORC", {1, 2, 3}},
    {"OBR", {1, 2, 3, 4, 7, 8, 14, 22, 24, 25}},
    {"OBX", {1, 2, 3, 4, obx_value, 6, 7, 8, 9, 10, 11, 14, 17, 18, 19}},
    {"SPM", {1, 2, 3, 4, 17, 18}},
    {"NTE", {1}},
};

bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string_view bare(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

bool is_number(std::string_view text) {
    auto const number = decimal_of(text);
    return number && number->separator != ',' && text.size() <= number_bytes_max;
}

// ">40.0", "<=0.05"
bool is_bound(std::string_view text) {
    if (!text.starts_with('<') && !text.starts_with('>')) return false;
    text.remove_prefix(text.substr(1, 1) == "=" ? 2 : 1);
    return is_number(bare(text));
}

class Reader {
 public:
    Reader(std::string_view bytes, Message const& message, TextEncoding unsaid) : bytes_(bytes), message_(message), encoding_(unsaid) {}

    Result<Document> read() {
        if (auto const known = read_header(); !known) return fail(known.error());
        for (Segment const& segment : message_.segments()) {
            line_ = segment.line;
            bool personal = false;  // what OBX-5 holds
            if (segment.name() == "OBR") {
                auto const taken = read_order(segment);
                if (!taken) return fail(taken.error());
            }
            if (segment.name() == "OBX") {
                auto const taken = read_result(segment, personal);
                if (!taken) return fail(taken.error());
            }
            hide(segment, personal);
        }
        if (out_.readings.empty()) return fail(Fault::refused, "The message holds no OBX segment; expected results.");
        if (personal_ > 0)
            out_.notes.push_back(
                fmt::format("{} results are text or documents for people, which may name some: they stay at the site.", personal_));
        if (unsaid_ > 0) out_.notes.push_back(fmt::format("{} results do not say whether they are final (OBX-11 is empty).", unsaid_));
        return std::move(out_);
    }

 private:
    tl::unexpected<Error> refuse(std::string_view field, std::string_view what) const {
        return fail(Fault::refused, fmt::format("Line {}, {}: {}", line_, field, what));
    }
    std::string utf8(std::string_view text) const { return to_utf8(text, encoding_).value_or(std::string{}); }

    Result<void> read_header() {
        line_ = 1;
        std::string_view const type = message_.header(9);
        if (message_.component(type, 1) != "ORU" || message_.component(type, 2) != "R01")
            return refuse("MSH-9", "the message is no ORU^R01, which is the one that carries results.");
        if (bare(message_.header(10)).empty()) return refuse("MSH-10", "the message has no control id, by which it would be acknowledged.");
        std::string_view const said = message_.header(18);
        std::string_view const set = bare(said.substr(0, said.find(message_.delimiters().repetition)));
        if (set == "8859/1")
            encoding_ = TextEncoding::latin_1;
        else if (one_of(set, {"UNICODE UTF-8", "UTF-8"}))
            encoding_ = TextEncoding::utf_8;
        else if (!one_of(set, {"", "ASCII"}))
            return refuse("MSH-18", "the character set is none of ASCII, 8859/1 and UNICODE UTF-8.");
        if (set == "ASCII" && std::any_of(bytes_.begin(), bytes_.end(), [](unsigned char c) { return c > 0x7E; }))
            return refuse("MSH-18", "the character set is said to be ASCII, and the message holds other bytes.");
        auto const text = to_utf8(bytes_, encoding_);
        if (!text) return fail(text.error());
        out_.format = "hl7";
        out_.identity = fmt::format("{}|{}|{}", utf8(message_.header(3)), utf8(message_.header(4)), utf8(bare(message_.header(10))));
        return {};
    }

    Result<void> read_order(Segment const& segment) {
        std::string_view const filler = bare(message_.field(segment, 3)), placer = bare(message_.field(segment, 2));
        plate_ = utf8(filler.empty() ? placer : filler);
        if (plate_.size() > label_bytes_max)
            return refuse("OBR-3", fmt::format("the order's number is longer than {} bytes.", label_bytes_max));
        if (out_.plate.empty()) out_.plate = plate_;
        std::string_view const time = bare(message_.field(segment, 7));
        if (out_.started.empty() && time.find_first_not_of("0123456789.+-") == std::string_view::npos) out_.started = time.substr(0, 32);
        return {};
    }

    Result<void> read_result(Segment const& segment, bool& personal) {
        auto const field = [&](std::size_t n) { return bare(message_.field(segment, n)); };
        std::string_view const type = field(2), value = field(obx_value), status = field(11);
        Reading reading;
        reading.plate = plate_;
        reading.read = utf8(field(3));
        if (reading.read.empty()) return refuse("OBX-3", "the result says not what was observed.");
        if (!field(4).empty()) reading.read += '/' + utf8(field(4));
        if (reading.read.size() > label_bytes_max) return refuse("OBX-3", fmt::format("it is longer than {} bytes.", label_bytes_max));
        reading.unit = utf8(message_.unescaped(message_.component(field(6), 1)));
        if (reading.unit.size() > unit_bytes_max) return refuse("OBX-6", fmt::format("the unit is longer than {} bytes.", unit_bytes_max));
        auto const taken = read_value(type, value, reading, personal);
        if (!taken) return taken;

        auto const mark = [&](std::string const& words) { (reading.flag += reading.flag.empty() ? "" : " ") += words; };
        if (std::string_view const abnormal = field(8); !abnormal.empty()) {
            if (abnormal.size() > mark_bytes_max) return refuse("OBX-8", fmt::format("the flag is longer than {} bytes.", mark_bytes_max));
            mark(utf8(message_.unescaped(abnormal)));
        }
        // Table 0085: what has no value, or none that holds.
        bool const none = one_of(status, {"D", "I", "N", "O", "W", "X"});
        if (!none && !one_of(status, {"", "F", "A", "B", "C", "P", "R", "S", "U", "V"}))
            return refuse("OBX-11", "the status is none that HL7's table 0085 knows.");
        if (none && !reading.value.empty())
            reading.flag = std::exchange(reading.value, {}) + (reading.flag.empty() ? "" : " ") + reading.flag;
        if (!status.empty() && status != "F") mark(fmt::format("status {}", status));
        unsaid_ += status.empty();
        personal_ += personal;
        if (reading.value.empty() && reading.flag.empty()) reading.flag = "no value";
        out_.readings.push_back(std::move(reading));
        return {};
    }

    // OBX-5 by OBX-2.
    Result<void> read_value(std::string_view type, std::string_view value, Reading& reading, bool& personal) {
        if (value.empty() || value == "\"\"") return {};
        if (type.empty()) return refuse("OBX-2", "a value without its type; expected NM, SN or another.");
        if (type == "NM") {
            if (is_bound(value))
                reading.flag = value;
            else if (is_number(value))
                reading.value = value;
            else
                return refuse("OBX-5", "the type is NM, and no number with a decimal point stands there.");
            return {};
        }
        if (type == "SN") {
            std::string_view const comparator = bare(message_.component(value, 1)), first = bare(message_.component(value, 2));
            bool const alone = message_.component(value, 3).empty() && message_.component(value, 4).empty();
            if (alone && one_of(comparator, {"", "="}) && is_number(first)) {
                reading.value = first;
                return {};
            }
            if (!one_of(comparator, {"", "=", "<", ">", "<=", ">=", "<>"}) || !is_number(first))
                return refuse("OBX-5", "the type is SN, and no comparator and number stand there.");
            if (value.size() > word_bytes_max) return refuse("OBX-5", fmt::format("it is longer than {} bytes.", word_bytes_max));
            std::string whole{value};
            std::erase(whole, message_.delimiters().component);
            reading.flag = utf8(whole);
            return {};
        }
        bool const word = one_of(type, {"ST", "CE", "CF", "CNE", "CWE", "DT", "DTM", "ID", "IS", "TM", "TS"});
        personal = !word || value.size() > word_bytes_max;
        if (personal) return {};
        if (type == "ST" && is_number(value))
            reading.value = value;
        else
            reading.flag = utf8(message_.unescaped(value));
        return {};
    }

    void hide(Segment const& segment, bool personal) {
        auto const known =
            std::find_if(std::begin(shared), std::end(shared), [&](Shared const& one) { return one.segment == segment.name(); });
        bool const is_header = segment.name() == "MSH";
        std::size_t at = 0;
        for (std::size_t n = is_header ? 1 : 0; at <= segment.text.size(); ++n) {
            std::size_t const end = std::min(segment.text.find(message_.delimiters().field, at), segment.text.size());
            bool const leaves =
                at == 0 || (known != std::end(shared) && std::find(known->fields.begin(), known->fields.end(), n) != known->fields.end() &&
                            !(personal && n == obx_value));
            if (!leaves && end > at)
                out_.name_bearing.push_back({static_cast<std::uint64_t>(segment.text.data() - bytes_.data()) + at, end - at,
                                             fmt::format("{}-{}", segment.name(), n)});
            at = end + 1;
        }
    }

    std::string_view bytes_;
    Message const& message_;
    TextEncoding encoding_;
    Document out_;
    std::string plate_;
    std::size_t line_ = 1;
    std::size_t personal_ = 0, unsaid_ = 0;
};

}  // namespace

Result<Document> parse(std::string_view bytes, TextEncoding unsaid) {
    auto const message = Message::read(bytes);
    if (!message) return fail(message.error());
    return Reader{bytes, *message, unsaid}.read();
}

std::string sameness(std::string_view bytes) {
    std::string out{bytes};
    auto const message = Message::header_of(bytes);
    if (!message) return out;
    std::string_view const time = message->header(msh_time);
    if (!time.empty()) out.erase(static_cast<std::size_t>(time.data() - bytes.data()), time.size());
    return out;
}

}  // namespace marrowlink::hl7
