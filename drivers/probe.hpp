// Which known instrument is at the far end of a line. It is listened to first; whoever speaks meanwhile is asked nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/transport.hpp"

namespace marrowlink {

// Whose language these bytes are, by the driver's name: "astm", "hl7", "biotek", "biorad", "spectramax", or "line" for text with line ends
// that is none of these. Empty: not known, or too little came. `asked`: bytes came as an answer, so a bare 15 is a reader's refusal.
std::string_view language_of(std::string_view bytes, bool asked);

// Whom probe() can ask: "biotek", "biorad", "spectramax".
std::vector<std::string> const& probe_asks();

struct ProbeOptions {
    std::chrono::seconds listen{30};  // of silence before anything is asked
    // One after the other until the first answer. "biorad" is not among those that are asked by default: the letters of its command are
    // commands to a BioTek reader, one of which moves the plate.
    std::vector<std::string> asks{"biotek", "spectramax"};
    bool listen_only = false;
};

struct ProbeFinding {
    std::string driver;  // empty: nobody answered
    bool spoke_by_itself = false;
    std::string said;  // its first bytes, as they came
};

inline constexpr std::chrono::milliseconds probe_answer_wait{2'000};  // for an answer; also the silence before the next is asked
inline constexpr std::chrono::milliseconds probe_quiet{500};          // silence that ends what is said
inline constexpr std::size_t probe_bytes_max = 4096;                  // heard of whoever does not stop

// `refused` when something speaks whose language is not known, whether or not it was asked: nothing more is said to it then.
Task<Result<ProbeFinding>> probe(Transport& line, Clock& clock, ProbeOptions options);

}  // namespace marrowlink
