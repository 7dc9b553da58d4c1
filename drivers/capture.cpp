#include "drivers/capture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "core/text.hpp"

namespace marrowlink {
namespace {
constexpr std::string_view first_line = "# marrowlink capture 1";
constexpr std::string_view port_word = "# port ";
constexpr std::string_view begun_word = "# begun ";
constexpr std::size_t line_bytes = 32;

std::string hex_of(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (unsigned char const c : bytes) (out += digits[c >> 4]) += digits[c & 15];
    return out;
}

std::optional<std::string> bytes_of_hex(std::string_view text) {
    auto const value = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
    if (text.empty() || text.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int const high = value(text[i]), low = value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

// Printable ASCII, whatever a port is called: a line end in it would begin a line of the file.
std::string plain(std::string_view text) {
    std::string out{text};
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return out;
}

tl::unexpected<Error> refused(std::size_t line, std::string_view found, std::string_view expected) {
    return fail(Fault::refused,
                fmt::format("line {} of the capture is \"{}\"; expected {}.", line, plain(beginning_of(found, 60)), expected));
}

// "<milliseconds> < <hex>"
std::optional<CaptureChunk> chunk_of(std::string_view line) {
    CaptureChunk chunk;
    std::int64_t at = 0;
    auto const [end, error] = std::from_chars(line.data(), line.data() + line.size(), at);
    if (error != std::errc{} || at < 0 || at > std::int64_t{1} << 40) return std::nullopt;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (!line.starts_with(" < ") && !line.starts_with(" > ")) return std::nullopt;
    auto bytes = bytes_of_hex(line.substr(3));
    if (!bytes) return std::nullopt;
    chunk.at = std::chrono::milliseconds{at};
    chunk.from_instrument = line[1] == '<';
    chunk.bytes = std::move(*bytes);
    return chunk;
}

struct Sums {
    std::uint64_t from = 0, to = 0;
    std::chrono::milliseconds at{0};
};
Sums sums_of(std::vector<CaptureChunk> const& chunks) {
    Sums sums;
    for (CaptureChunk const& chunk : chunks) {
        (chunk.from_instrument ? sums.from : sums.to) += chunk.bytes.size();
        sums.at = chunk.at;
    }
    return sums;
}
}  // namespace

std::string capture_head(std::string_view port, std::string_view begun) {
    return fmt::format("{}\n{}{}\n{}{}\n", first_line, port_word, plain(port), begun_word, plain(begun));
}

std::string capture_line(CaptureChunk const& chunk) {
    std::string out;
    for (std::string_view rest = chunk.bytes; !rest.empty(); rest.remove_prefix(std::min(line_bytes, rest.size())))
        out += fmt::format("{} {} {}\n", chunk.at.count(), chunk.from_instrument ? '<' : '>', hex_of(rest.substr(0, line_bytes)));
    return out;
}

std::string capture_end(std::uint64_t bytes_from_instrument, std::uint64_t bytes_to_instrument, std::chrono::milliseconds at) {
    return fmt::format("# end at {} ms: {} bytes from the instrument, {} to it\n", at.count(), bytes_from_instrument, bytes_to_instrument);
}

std::string capture_end(std::vector<CaptureChunk> const& chunks) {
    Sums const sums = sums_of(chunks);
    return capture_end(sums.from, sums.to, sums.at);
}

Result<Capture> parse_capture(std::string_view text) {
    if (text.size() > capture_bytes_max)
        return fail(Fault::refused, fmt::format("The capture has {} bytes; at most {} are read.", text.size(), capture_bytes_max));
    Capture capture;
    std::size_t number = 0;
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        ++number;
        if (capture.complete) return refused(number, line, "nothing behind the end line");
        if (number == 1) {
            if (line != first_line) return refused(number, line, fmt::format("\"{}\"", first_line));
        } else if (number == 2) {
            if (!line.starts_with(port_word)) return refused(number, line, "\"# port …\"");
            capture.port = line.substr(port_word.size());
        } else if (number == 3) {
            if (!line.starts_with(begun_word)) return refused(number, line, "\"# begun …\"");
            capture.begun = line.substr(begun_word.size());
        } else if (line.starts_with("# end ")) {
            auto const sums = sums_of(capture.chunks);
            auto const last = capture_end(capture.chunks);
            // Silence behind the last byte is counted in the end line's time alone.
            auto const counts = [](std::string_view all) { return all.substr(std::min(all.size(), all.find(':'))); };
            if (counts(line) != counts(std::string_view{last}.substr(0, last.size() - 1)))
                return refused(number, line,
                               fmt::format("the sums of the lines above, {} bytes from the instrument, {} to it", sums.from, sums.to));
            capture.complete = true;
        } else if (line.starts_with("# note ")) {
            continue;
        } else {
            auto chunk = chunk_of(line);
            if (!chunk) return refused(number, line, "milliseconds, < or >, and bytes as pairs of lower-case hexadecimal digits");
            if (!capture.chunks.empty() && chunk->at < capture.chunks.back().at)
                return refused(number, line, fmt::format("a time of {} ms or later", capture.chunks.back().at.count()));
            capture.chunks.push_back(std::move(*chunk));
        }
    }
    if (number == 0) return refused(1, text, fmt::format("\"{}\"", first_line));
    if (!text.empty()) capture.complete = false;
    return capture;
}

CaptureTransport::CaptureTransport(Capture const& capture, Clock& clock, Pace pace, DriverSpeech speech)
    : clock_(clock), compared_(speech == DriverSpeech::asks), last_(clock.now()) {
    std::chrono::milliseconds before{0};
    for (CaptureChunk const& chunk : capture.chunks) {
        if (chunk.from_instrument)
            pieces_.push_back(
                {expected_.size(), pace == Pace::as_recorded ? chunk.at - before : std::chrono::milliseconds{0}, chunk.bytes});
        else
            expected_ += chunk.bytes;
        before = chunk.at;
    }
}

std::uint64_t CaptureTransport::unread() const {
    std::uint64_t sum = 0;
    for (Piece const& piece : pieces_) sum += piece.bytes.size();
    return sum;
}

Task<Result<std::size_t>> CaptureTransport::read_some(std::span<std::byte> into, Clock::Instant deadline) {
    if (differed()) co_return fail(Fault::closed, difference_);
    bool const next = !pieces_.empty() && (!compared_ || pieces_.front().told <= told_);
    Clock::Instant const comes = next ? last_ + pieces_.front().later : last_ + silence_max;
    if (comes > deadline) {
        co_await clock_.sleep_until(deadline);
        co_return fail(Fault::timed_out, "Nothing came before the deadline.");
    }
    co_await clock_.sleep_until(comes);
    if (!next) co_return fail(Fault::closed, "The capture has ended.");
    Piece& piece = pieces_.front();
    std::size_t const n = std::min(into.size(), piece.bytes.size());
    std::memcpy(into.data(), piece.bytes.data(), n);
    piece.bytes.erase(0, n);
    piece.later = std::chrono::milliseconds{0};
    if (piece.bytes.empty()) pieces_.pop_front();
    last_ = std::max(last_, comes);
    co_return n;
}

Task<Result<void>> CaptureTransport::write(std::span<std::byte const> bytes) {
    std::string_view const said{reinterpret_cast<char const*>(bytes.data()), bytes.size()};
    if (!compared_) co_return Result<void>{};
    // A reader that is polled is asked on and on.
    if (told_ == expected_.size() && pieces_.empty()) co_return fail(Fault::closed, "The capture has ended.");
    if (std::string_view{expected_}.substr(told_, said.size()) != said) {
        difference_ =
            fmt::format("The driver says {} where the capture has {}.", hex_of(said.substr(0, line_bytes)),
                        told_ < expected_.size() ? hex_of(std::string_view{expected_}.substr(told_, std::min(said.size(), line_bytes)))
                                                 : "nothing more that was said to the instrument");
        co_return fail(Fault::closed, difference_);
    }
    told_ += said.size();
    last_ = clock_.now();
    co_return Result<void>{};
}

}  // namespace marrowlink
