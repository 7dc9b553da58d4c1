#include "drivers/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "drivers/astm/link.hpp"
#include "drivers/biorad/protocol.hpp"
#include "drivers/biotek/protocol.hpp"
#include "drivers/hl7/mllp.hpp"
#include "drivers/spectramax/protocol.hpp"

namespace marrowlink {
namespace {

// What each is asked. Nothing of it moves, measures or clears anything. A carriage return before it ends what another question may have
// left with a reader that waits for one.
std::string question_of(std::string_view driver) {
    if (driver == "biotek") return "e";
    if (driver == "biorad") return biorad::encode("ID");
    return '\r' + spectramax::encode("!");
}

bool is_text(std::string_view bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) { return c >= ' ' || c == '\r' || c == '\n' || c == '\t'; });
}

// Everything up to a silence; empty when nothing came before the deadline.
Task<Result<std::string>> hear(Transport& line, Clock& clock, Clock::Instant deadline) {
    std::string heard;
    std::array<std::byte, 512> buffer;
    for (;;) {
        Clock::Instant limit = deadline;
        if (!heard.empty()) limit = clock.now() + probe_quiet;
        auto const got = co_await line.read_some(buffer, limit);
        if (!got && got.error().fault == Fault::timed_out) co_return heard;
        if (!got) co_return fail(got.error());
        heard.append(reinterpret_cast<char const*>(buffer.data()), *got);
        if (heard.size() >= probe_bytes_max) co_return heard;
    }
}

Result<ProbeFinding> finding_of(std::string heard, bool asked) {
    std::string const driver{language_of(heard, asked)};
    if (driver.empty())
        return fail(Fault::refused,
                    fmt::format("Something {} on this line in no language known here, or with other settings of the line: \"{}\". "
                                "Nothing more was said to it; `capture` keeps what it says.",
                                asked ? "answers" : "speaks", spectramax::printable(heard)));
    return ProbeFinding{driver, !asked, std::move(heard)};
}
}  // namespace

std::string_view language_of(std::string_view bytes, bool asked) {
    if (bytes.empty()) return {};
    auto const link = astm::next_event(bytes);
    if (link.heard == astm::Heard::enquiry || link.heard == astm::Heard::frame) return "astm";
    if (bytes.front() == '\x0B') return "hl7";
    if (biotek::next_event(bytes).heard == biotek::Heard::plate || biotek::next_event(bytes).heard == biotek::Heard::answer ||
        biotek::plate_begins(bytes))
        return "biotek";
    if (asked && bytes.find_first_not_of('\x15') == std::string_view::npos) return "biotek";
    auto const reply = biorad::next_event(bytes);
    if (reply.heard == biorad::Heard::answer || reply.heard == biorad::Heard::plate) return "biorad";
    auto const text = bytes.substr(std::min(bytes.size(), bytes.find_first_not_of(" \r\n")));
    if ((text.starts_with("OK") || text.starts_with("FAIL")) && text.find('>') != std::string_view::npos && is_text(text))
        return "spectramax";
    bool const lines =
        bytes.find_first_of("\r\n") != std::string_view::npos && is_text(bytes) && text.find_first_not_of("\r\n") != std::string_view::npos;
    return lines && !asked ? "line" : std::string_view{};
}

std::vector<std::string> const& probe_asks() {
    static std::vector<std::string> const names{"biotek", "biorad", "spectramax"};
    return names;
}

Task<Result<ProbeFinding>> probe(Transport& line, Clock& clock, ProbeOptions options) {
    auto spoken = co_await hear(line, clock, clock.now() + options.listen);
    if (!spoken) co_return fail(spoken.error());
    if (!spoken->empty()) co_return finding_of(std::move(*spoken), false);
    if (options.listen_only) co_return ProbeFinding{};
    for (std::string const& driver : options.asks) {
        std::string const question = question_of(driver);
        std::span<std::byte const> const bytes = std::as_bytes(std::span{question.data(), question.size()});
        auto const asked = co_await line.write(bytes);
        if (!asked) co_return fail(asked.error());
        auto answer = co_await hear(line, clock, clock.now() + probe_answer_wait);
        if (!answer) co_return fail(answer.error());
        if (!answer->empty()) co_return finding_of(std::move(*answer), true);
    }
    co_return ProbeFinding{};
}

}  // namespace marrowlink
