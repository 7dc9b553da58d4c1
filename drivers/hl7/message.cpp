#include "drivers/hl7/message.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace marrowlink::hl7 {

namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_name_character(char c) { return is_upper(c) || (c >= '0' && c <= '9'); }

// MSH, its delimiter and four more, each another and none of them a letter, a digit or a space.
std::optional<Delimiters> delimiters_of(std::string_view text) {
    if (!text.starts_with("MSH") || text.size() < 9) return {};
    std::string_view const all = text.substr(3, 5);
    for (std::size_t i = 0; i < all.size(); ++i)
        if (all[i] <= ' ' || all[i] > '~' || is_name_character(all[i]) || (all[i] >= 'a' && all[i] <= 'z') || all.find(all[i]) != i)
            return {};
    // HL7 2.7 writes a fifth one, for truncation.
    if (text[8] != all[0] && text[8] != '\r' && text.substr(9, 1) != all.substr(0, 1)) return {};
    return Delimiters{all[0], all[1], all[2], all[3], all[4]};
}

std::string_view part_of(std::string_view text, char delimiter, std::size_t n) {
    for (; n > 1; --n) {
        std::size_t const end = text.find(delimiter);
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    return text.substr(0, text.find(delimiter));
}

}  // namespace

std::optional<Message> Message::header_of(std::string_view text) {
    auto const delimiters = delimiters_of(text);
    if (!delimiters) return {};
    Message out;
    out.delimiters_ = *delimiters;
    out.segments_.push_back({text.substr(0, text.find('\r')), 1});
    return out;
}

Result<Message> Message::read(std::string_view text) {
    auto out = header_of(text);
    if (!out)
        return fail(Fault::refused,
                    "The message does not begin with MSH and five different delimiters behind it; expected an HL7 v2 message.");
    out->segments_.clear();
    for (std::size_t line = 1; !text.empty(); ++line) {
        std::size_t const end = std::min(text.find('\r'), text.size());
        std::string_view segment = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        // Some senders end their lines as Windows does.
        if (segment.starts_with('\n')) segment.remove_prefix(1);
        if (segment.empty()) continue;
        auto const control =
            std::find_if(segment.begin(), segment.end(), [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7F; });
        if (control != segment.end())
            return fail(Fault::refused,
                        fmt::format("Line {} holds the control character {:02X}.", line, static_cast<unsigned char>(*control)));
        bool const named = segment.size() >= 3 && is_upper(segment[0]) && is_name_character(segment[1]) && is_name_character(segment[2]);
        if (!named || (segment.size() > 3 && segment[3] != out->delimiters_.field))
            return fail(
                Fault::refused,
                fmt::format("Line {} is no segment: a name of three letters and the delimiter were expected. A carriage return inside "
                            "a field makes such a line.",
                            line));
        if (line > 1 && segment.starts_with("MSH"))
            return fail(Fault::refused, fmt::format("Line {} begins a second message inside the first.", line));
        if (out->segments_.size() == segments_max)
            return fail(Fault::refused, fmt::format("The message has more than {} segments.", segments_max));
        out->segments_.push_back({segment, line});
    }
    return *std::move(out);
}

std::string_view Message::field(Segment const& segment, std::size_t n) const {
    bool const is_header = segment.text.starts_with("MSH");
    if (is_header && n == 1) return segment.text.substr(3, 1);
    return part_of(segment.text, delimiters_.field, is_header ? n : n + 1);
}

std::string_view Message::component(std::string_view field, std::size_t n) const { return part_of(field, delimiters_.component, n); }

std::string Message::unescaped(std::string_view text) const {
    std::string out;
    Delimiters const& d = delimiters_;
    while (!text.empty()) {
        char const meant = text.size() < 3 || text[0] != d.escape || text[2] != d.escape ? '\0'
                           : text[1] == 'F'                                              ? d.field
                           : text[1] == 'S'                                              ? d.component
                           : text[1] == 'T'                                              ? d.subcomponent
                           : text[1] == 'R'                                              ? d.repetition
                           : text[1] == 'E'                                              ? d.escape
                                                                                         : '\0';
        out += meant ? meant : text[0];
        text.remove_prefix(meant ? 3 : 1);
    }
    return out;
}

namespace {
std::string acknowledgement(Message const* to, std::string_view code, std::string_view time) {
    if (!to) return fmt::format("MSH|^~\\&|||||{}||ACK|{}|P|2.5\rMSA|{}|\r", time, time, code);
    char const f = to->delimiters().field;
    std::string out = "MSH";
    auto const add = [&](std::string_view text) { (out += f) += text; };
    add(to->header(2));
    add(to->header(5));
    add(to->header(6));
    add(to->header(3));
    add(to->header(4));
    add(time);
    add("");
    add(fmt::format("ACK{}R01", to->delimiters().component));
    add(to->header(10));
    add(to->header(11));
    add(to->header(12));
    out += "\rMSA";
    add(code);
    add(to->header(10));
    return out + '\r';
}

// Table 0155: always, never, on error or rejection only, on success only. A word that is none of them keeps nobody waiting.
bool asks(std::string_view condition, Answer answer) {
    if (condition == "NE") return false;
    if (condition == "ER") return answer == Answer::reject;
    if (condition == "SU") return answer == Answer::accept;
    return true;
}
}  // namespace

std::vector<std::string> acknowledgements(Message const* to, Answer answer, std::string_view time) {
    bool const accepted = answer == Answer::accept;
    // "" is HL7's word for nothing.
    auto const condition = [to](std::size_t field) { return !to || to->header(field) == "\"\"" ? std::string_view{} : to->header(field); };
    std::string_view const commit = condition(15), application = condition(16);
    if (commit.empty() && application.empty()) return {acknowledgement(to, accepted ? "AA" : "AR", time)};
    std::vector<std::string> out;
    if (!commit.empty() && asks(commit, answer)) out.push_back(acknowledgement(to, accepted ? "CA" : "CR", time));
    // What was refused at once is dealt with by no application.
    bool const refused_at_once = !accepted && !out.empty();
    if (!application.empty() && asks(application, answer) && !refused_at_once)
        out.push_back(acknowledgement(to, accepted ? "AA" : "AR", time));
    return out;
}

}  // namespace marrowlink::hl7
