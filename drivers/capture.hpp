// A recorded dialogue with an instrument as text, and the instrument of it played again. docs/captures.md has the form. Pure but for the
// clock, which is handed in.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/transport.hpp"

namespace marrowlink {

inline constexpr std::uint64_t capture_bytes_max = 256u << 20;  // of a capture's text; a longer one is refused by name

struct CaptureChunk {
    std::chrono::milliseconds at{0};  // since the capture began; never less than the chunk before
    bool from_instrument = true;
    std::string bytes;
    friend bool operator==(CaptureChunk const&, CaptureChunk const&) = default;
};

struct Capture {
    std::string port;   // for people: "/dev/serial/by-id/… 9600 8N1", "10.0.0.7:4001"
    std::string begun;  // RFC 3339
    std::vector<CaptureChunk> chunks;
    bool complete = false;  // its end line is there: whoever wrote it stopped on purpose
};

// The parts of the text, for a writer that adds a line at a time.
std::string capture_head(std::string_view port, std::string_view begun);
std::string capture_line(CaptureChunk const& chunk);  // cut into several lines of at most 32 bytes
std::string capture_end(std::vector<CaptureChunk> const& chunks);
// Of chunks and bytes that were written one by one.
std::string capture_end(std::uint64_t bytes_from_instrument, std::uint64_t bytes_to_instrument, std::chrono::milliseconds at);

// `refused`, naming the line and what was expected, where the text is none of ours, a time goes back, or the end line counts other bytes. A
// text that only ends too early has what its whole lines say, and is not complete.
Result<Capture> parse_capture(std::string_view text);

// The instrument of a capture at the far end of a line.
class CaptureTransport final : public Transport {
 public:
    static constexpr std::chrono::minutes silence_max{
        60};  // behind the last byte, until the line is closed: longer than any driver's patience

    enum class Pace : std::uint8_t { as_recorded, at_once };  // at once: all delays are none
    // asks: an instrument that is asked. What it said comes as long after what it had been told as it did then, and not before the driver
    // has said that; a driver that says something else ends the line, as what came next would be no answer to it.
    // answers: an instrument that speaks by itself. What the driver says is not compared: answers carry the time, or are another program's.
    enum class DriverSpeech : std::uint8_t { asks, answers };

    CaptureTransport(Capture const& capture, Clock& clock, Pace pace, DriverSpeech speech);

    Task<Result<std::size_t>> read_some(std::span<std::byte> into, Clock::Instant deadline) override;
    Task<Result<void>> write(std::span<std::byte const> bytes) override;

    bool differed() const { return !difference_.empty(); }
    std::string const& difference() const { return difference_; }  // a sentence; empty: none
    std::uint64_t unread() const;                                  // bytes of the instrument that the driver has not had

 private:
    struct Piece {
        std::uint64_t told = 0;              // bytes that the driver must have said before
        std::chrono::milliseconds later{0};  // than the piece before it, or than the last of those bytes
        std::string bytes;
    };

    Clock& clock_;
    bool compared_;
    std::deque<Piece> pieces_;
    std::string expected_;    // of the driver, all of it
    std::uint64_t told_ = 0;  // bytes that the driver has said
    Clock::Instant last_;     // when the last piece came, or the driver said something
    std::string difference_;
};

}  // namespace marrowlink
