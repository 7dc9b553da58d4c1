// An HL7 v2 message: its delimiters, its segments, who sent it, and the answer to it. Facts: notes.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::hl7 {

constexpr std::size_t segments_max = 100'000;  // of one message; one more: refused

struct Delimiters {
    char field = '|', component = '^', repetition = '~', escape = '\\', subcomponent = '&';
};

struct Segment {
    std::string_view text;  // without the carriage return behind it
    std::size_t line = 0;   // from 1
    std::string_view name() const { return text.substr(0, 3); }
};

class Message {
 public:
    // `refused`: it does not begin with MSH and its delimiters, holds a control character, or a line that is no segment. Errors name the
    // line and quote nothing, as a name may stand anywhere. Views point into `text`.
    static Result<Message> read(std::string_view text);
    // Of a message that may be damaged behind its first segment: enough to answer it. Nothing: not even that.
    static std::optional<Message> header_of(std::string_view text);

    std::vector<Segment> const& segments() const { return segments_; }  // the first is MSH
    Delimiters const& delimiters() const { return delimiters_; }

    // The n-th field, from 1, as HL7 counts: MSH-1 is the delimiter itself. Empty when the segment has none.
    std::string_view field(Segment const& segment, std::size_t n) const;
    std::string_view header(std::size_t n) const { return field(segments_[0], n); }
    std::string_view component(std::string_view field, std::size_t n) const;  // from 1

    // \F\ \S\ \T\ \R\ \E\ are what they stand for; any other escape stays as it is.
    std::string unescaped(std::string_view text) const;

 private:
    std::vector<Segment> segments_;
    Delimiters delimiters_;
};

enum class Answer : std::uint8_t { accept, reject };

// The acknowledgements, each without a frame, by the delimiters of the message that they answer; `to` null: of one without a readable MSH.
// One in the original mode. In the enhanced mode (HL7 v2, 2.9.2: MSH-15 or MSH-16 is there) what these two ask for: that the message is
// safe here (CA, CR), that it was dealt with (AA, AR), both, or nothing. `time`: HL7's form, 20261125023000.
std::vector<std::string> acknowledgements(Message const* to, Answer answer, std::string_view time);

}  // namespace marrowlink::hl7
