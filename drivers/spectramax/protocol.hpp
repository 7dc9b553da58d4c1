// What goes over the line between the gateway and a SpectraMax reader. Pure: bytes in, values out. Facts and how sure they are: notes.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace marrowlink::spectramax {

// A reply longer than this is taken for noise: it is refused as damaged. 384 wells at six wavelengths are under 20 KiB.
inline constexpr std::size_t reply_bytes_max = 256 * 1024;

std::string encode(std::string_view command);  // "!STATUS" → "!STATUS\r"
int fields_of(std::string_view command);       // how many fields, each ended by '>', answer this command: 1 or 2
std::string_view words_of(int failure_code);   // "measurement in progress"; "unknown failure code" for others

inline constexpr int busy = 105;
inline constexpr int measuring = 106;
inline constexpr int no_data = 107;

struct Reply {
    int failure = 0;      // 0: OK; otherwise the code behind FAIL
    std::string warning;  // what followed OK in its field, if anything
    std::string body;     // the second field without surrounding blanks; empty for commands with one field
    bool ok() const { return failure == 0; }
};

// Decodes one reply. A FAIL in the first field ends the reply there, whatever the command (D: nobody recorded one).
class ReplyDecoder {
 public:
    explicit ReplyDecoder(int fields) : fields_(fields) {}

    // nullopt until the reply's last '>' has come. `refused` when the reply is damaged: the message says which byte or word, and where.
    std::optional<Result<Reply>> feed(std::string_view bytes);

    // The reply's own bytes, from its first that is not blank through its last '>': equal for equal replies, whatever came between them.
    std::string const& raw() const { return raw_; }
    // What came behind the last '>' together with it, line ends and blanks left out. A reply is believed only when this stays empty.
    std::string const& surplus() const { return surplus_; }

 private:
    Result<Reply> decode() const;

    int fields_;
    std::size_t field_start_ = 0;
    bool done_ = false;
    std::string raw_, surplus_;
    std::vector<std::string_view::size_type> ends_;  // offsets of '>' in raw_
};

struct Status {
    std::string drawer;  // "OPEN", "CLOSED"
    std::string state;   // "IDLE", "MEASURING", "AIR CAL206", …
    bool idle() const { return state == "IDLE"; }
};
Result<Status> parse_status(std::string_view body);

// Bytes for people: printable characters as they are, others as \x1b, at most `limit` bytes shown.
std::string printable(std::string_view bytes, std::size_t limit = 60);

}  // namespace marrowlink::spectramax
