#include "drivers/line/driver.hpp"

#include <fmt/format.h>

#include <array>

namespace marrowlink {
namespace {

std::string_view word(std::string_view line, int number) {
    for (;;) {
        auto const start = line.find_first_not_of(" \t");
        if (start == std::string_view::npos) return {};
        line.remove_prefix(start);
        auto const end = line.find_first_of(" \t");
        if (--number == 0) return line.substr(0, end);
        if (end == std::string_view::npos) return {};
        line.remove_prefix(end);
    }
}

// A key goes into an attribute, so it must be short and printable.
bool usable_key(std::string_view key) {
    if (key.empty() || key.size() > LineDriver::key_bytes_max) return false;
    for (unsigned char const c : key)
        if (c <= ' ' || c >= 0x7F) return false;
    return true;
}

std::string filled(std::string text, std::string_view key) {
    constexpr std::string_view place = "{key}";
    if (auto const at = text.find(place); at != std::string::npos) text.replace(at, place.size(), key);
    return text;
}
}  // namespace

LineDriver::LineDriver(LineSettings settings, Transport& transport, Clock& clock)
    : settings_(std::move(settings)), transport_(transport), clock_(clock) {}

Task<Result<std::string>> LineDriver::identify() { co_return std::string{"line by line"}; }

Task<Result<Batch>> LineDriver::next() {
    std::array<std::byte, 16 << 10> chunk;
    for (;;) {
        Batch batch = take_lines();
        if (!batch.records.empty()) co_return batch;
        auto const got = co_await transport_.read_some(chunk, Clock::Instant::max());
        if (got) {
            buffer_.append(reinterpret_cast<char const*>(chunk.data()), *got);
            continue;
        }
        if (got.error().fault == Fault::timed_out) continue;
        // A source that answers for its lines sends an unfinished one again; from any other, the fragment is all there will ever be.
        if (got.error().fault == Fault::closed && settings_.acknowledgement.empty() && !buffer_.empty() && !skipping_) {
            std::string const fragment = std::exchange(buffer_, {});
            consumed_ += fragment.size();
            keep_unreadable(batch, fragment,
                            fmt::format("The connection ended inside a line; its first {} bytes are kept.", fragment.size()));
            batch.consumed = consumed_;
            co_return batch;
        }
        co_return fail(got.error());
    }
}

Task<Result<void>> LineDriver::acknowledge(Receipt) {
    std::string const text = std::exchange(acknowledgements_, {});
    if (text.empty()) co_return Result<void>{};
    co_return co_await transport_.write(std::as_bytes(std::span{text}));
}

Batch LineDriver::take_lines() {
    Batch batch;
    std::string_view rest = buffer_;
    while (batch.records.size() < batch_lines_max) {
        auto const end = rest.find(settings_.terminator);
        if (end == std::string_view::npos) {
            if (rest.size() <= settings_.bytes_max) break;
            if (!std::exchange(skipping_, true)) {
                keep_unreadable(
                    batch, rest.substr(0, settings_.bytes_max),
                    fmt::format("A line is longer than {} bytes; its first {} are kept.", settings_.bytes_max, settings_.bytes_max));
            }
            rest.remove_prefix(rest.size() - settings_.terminator.size() + 1);  // half a terminator may be the end of what is here
            break;
        }
        std::string_view const line = rest.substr(0, end);
        rest.remove_prefix(end + settings_.terminator.size());
        if (std::exchange(skipping_, false) || line.empty()) continue;
        take_line(batch, line, settings_.position + consumed_ + static_cast<std::uint64_t>(line.data() - buffer_.data()));
    }
    consumed_ += buffer_.size() - rest.size();
    buffer_.erase(0, buffer_.size() - rest.size());
    batch.consumed = consumed_;
    return batch;
}

void LineDriver::take_line(Batch& batch, std::string_view line, std::uint64_t place) {
    if (line.size() > settings_.bytes_max)
        return keep_unreadable(batch, line.substr(0, settings_.bytes_max),
                               fmt::format("A line is {} bytes long, at most {} are allowed.", line.size(), settings_.bytes_max));
    std::string const digest = hex(sha256(line));
    std::string_view const given = settings_.key_field > 0 ? word(line, settings_.key_field) : std::string_view{};
    bool const repeats = !settings_.acknowledgement.empty();
    std::string const key = usable_key(given) ? std::string{given} : repeats ? digest : hex(sha256(fmt::format("{}@{}", digest, place)));
    auto const text = to_utf8(line, settings_.encoding);
    if (text) {
        RunIdentity const id{settings_.instrument, "line", run_id_of(settings_.instrument, key, digest), key};
        batch.records.push_back(run_message(id, *text));
    } else {
        keep_unreadable(batch, line, text.error().message);
    }
    if (repeats) acknowledgements_ += filled(settings_.acknowledgement, key);
}

void LineDriver::keep_unreadable(Batch& batch, std::string_view bytes, std::string reason) {
    std::string const digest = hex(sha256(bytes));
    RunIdentity const id{settings_.instrument, "line", run_id_of(settings_.instrument, digest, digest), digest};
    for (Draft& draft : run_unreadable(id, bytes, digest, 0, std::move(reason), rfc3339(clock_.utc())))
        batch.records.push_back(std::move(draft));
}

}  // namespace marrowlink
