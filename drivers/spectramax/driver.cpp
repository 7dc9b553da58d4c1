#include "drivers/spectramax/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <utility>

#include "core/log.hpp"

namespace marrowlink::spectramax {
namespace {
// Shorter damaged replies to !TRANSFER are a garbled refusal, not a plate.
constexpr std::size_t plate_bytes_min = 64;

long long seconds_between(Clock::Instant from, Clock::Instant to) {
    return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}
}  // namespace

SpectraMax::SpectraMax(Transport& transport, Clock& clock, Options options)
    : transport_(transport), clock_(clock), options_(std::move(options)), last_heard_(clock.now()) {}

// Wait out what may still come of an earlier reply, or it passes for the answer to the next command.
Task<Result<void>> SpectraMax::settle() {
    std::array<std::byte, 512> buffer;
    Clock::Instant const limit = clock_.now() + reply_time_max;
    while (clock_.now() < limit) {
        auto const got = co_await transport_.read_some(buffer, clock_.now() + quiet);
        if (!got && got.error().fault == Fault::timed_out) {
            dirty_ = false;
            co_return Result<void>{};
        }
        if (!got) co_return fail(got.error());
        received_ += *got;
        transport_.release(received_);
    }
    co_return fail(Fault::unavailable, "The line to the reader does not fall silent: check the cable, the port and its settings.");
}

Task<SpectraMax::Exchange> SpectraMax::exchange(std::string command, bool until_quiet) {
    Exchange out;
    if (dirty_) {
        auto const settled = co_await settle();
        if (!settled) {
            out.reply = fail(settled.error());
            co_return out;
        }
    }
    std::string const line = encode(command);
    std::span<std::byte const> const bytes = std::as_bytes(std::span{line.data(), line.size()});
    auto const sent = co_await transport_.write(bytes);
    if (!sent) {
        out.reply = fail(sent.error());
        co_return out;
    }
    ReplyDecoder decoder{fields_of(command)};
    std::optional<Result<Reply>> reply;
    std::array<std::byte, 2048> buffer;
    Clock::Instant const limit = clock_.now() + reply_time_max;
    for (;;) {
        auto const patience = reply ? std::chrono::milliseconds{confirmed} : options_.command_timeout;
        auto const got = co_await transport_.read_some(buffer, std::min(limit, clock_.now() + patience));
        if (got) {
            received_ += *got;
            last_heard_ = clock_.now();
            auto decoded = decoder.feed({reinterpret_cast<char const*>(buffer.data()), *got});
            if (decoded) reply = std::move(decoded);
            if (!reply || until_quiet) continue;
        } else if (got.error().fault != Fault::timed_out) {
            reply = fail(got.error());
        } else if (!reply) {
            std::string const said = decoder.raw().empty() ? "nothing" : fmt::format("\"{}\"", printable(decoder.raw()));
            reply = fail(Fault::timed_out, fmt::format("The reader did not answer {} within {} ms; it said {}.", command,
                                                       options_.command_timeout.count(), said));
        }
        break;
    }
    // The data stay on the reader until they are cleared, so an adapter need not keep these bytes for us.
    transport_.release(received_);
    out.raw = decoder.raw();
    out.reply = std::move(*reply);
    if (out.reply && !decoder.surplus().empty())
        out.reply = fail(Fault::refused,
                         fmt::format("The reply to {} is damaged: \"{}\" came behind its end.", command, printable(decoder.surplus())));
    if (!out.reply) dirty_ = true;
    if (!out.reply && out.reply.error().fault == Fault::refused) {
        ++damaged_;
        log::warn("spectramax.reply.damaged",
                  {{"instrument", options_.instrument}, {"command", command}, {"reason", out.reply.error().message}});
    }
    changed();
    co_return out;
}

Task<Result<Reply>> SpectraMax::ask(std::string command) {
    Error last;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        Exchange const got = co_await exchange(command, false);
        if (got.reply) co_return *got.reply;
        last = got.reply.error();
        if (line_is_gone(last)) co_return fail(last);
    }
    if (last.fault == Fault::timed_out)
        co_return fail(Fault::timed_out,
                       fmt::format("{} Asked {} times. Is the reader switched on and the cable in?", last.message, attempts_max));
    co_return fail(Fault::unavailable,
                   fmt::format("{} {} replies in a row were damaged: check cable and port settings.", last.message, attempts_max));
}

Task<Result<Status>> SpectraMax::ask_status() {
    Error last;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        auto const reply = co_await ask("!STATUS");
        if (!reply) co_return fail(reply.error());
        if (!reply->ok())
            co_return fail(Fault::unavailable,
                           fmt::format("The reader answered !STATUS with FAIL {}: {}.", reply->failure, words_of(reply->failure)));
        auto status = parse_status(reply->body);
        if (status) {
            status_ = *status;
            co_return status;
        }
        last = status.error();
        dirty_ = true;
        ++damaged_;
    }
    co_return fail(Fault::unavailable, last.message);
}

Task<Result<void>> SpectraMax::greet() {
    if (greeted_) co_return Result<void>{};
    auto const hello = co_await ask("!");
    if (!hello) co_return fail(hello.error());
    greeted_ = true;
    log::info("spectramax.answered", {{"instrument", options_.instrument}, {"tried_on_hardware", tried_on_hardware ? "yes" : "no"}});
    co_return Result<void>{};
}

Task<Result<std::string>> SpectraMax::identify() {
    auto const greeted = co_await greet();
    if (!greeted) co_return fail(greeted.error());
    auto const status = co_await ask_status();
    if (!status) co_return fail(status.error());
    co_return fmt::format("SpectraMax reader, drawer {}, {}{}", status->drawer, status->state,
                          tried_on_hardware ? "" : " (this driver has not been tried on a real reader yet)");
}

// Asks for the plate until two transfers agree: the protocol has no checksum, and a flipped digit is still a digit.
Task<Result<SpectraMax::Collected>> SpectraMax::collect() {
    Collected out;
    std::vector<std::string> good;
    std::string everything;
    std::optional<std::string> agreed;
    bool silent = false;
    Error last{Fault::refused, "The reader gave no complete plate."};
    for (int n = 0; n < transfers_max && !agreed; ++n) {
        Exchange const got = co_await exchange("!TRANSFER", true);
        if (!got.reply && line_is_gone(got.reply.error())) co_return fail(got.reply.error());
        silent = !got.reply && got.raw.empty();
        if (got.reply && !got.reply->ok()) {
            int const code = got.reply->failure;
            if (code == busy || code == measuring) co_return Collected{};
            if (code == no_data && everything.size() < plate_bytes_min) co_return Collected{};
            last.message = fmt::format("The reader answered !TRANSFER with FAIL {}: {}.", code, words_of(code));
            if (code != no_data) continue;
            if (good.size() == 1) {
                agreed = good.front();
                out.notes.emplace_back("The reader gave its data only once; no second transfer could confirm them.");
            }
            break;
        }
        if (got.reply) {
            auto const parsed = parse_transfer(got.reply->body);
            if (!parsed)
                last = parsed.error();
            else if (std::find(good.begin(), good.end(), got.raw) != good.end())
                agreed = got.raw;
            else
                good.push_back(got.raw);
        } else {
            last = got.reply.error();
        }
        everything += got.raw;
        everything += "\r\n";
    }
    if (agreed) {
        auto parsed = parse_transfer_reply(*agreed);
        if (!parsed) co_return fail(Fault::broken, parsed.error().message);
        out.kind = Collected::Kind::plate;
        out.transfer = std::move(*parsed);
        out.bytes = std::move(*agreed);
    } else {
        // A reader that fell silent still holds its plate; the next connection asks again.
        if (silent) co_return fail(last);
        out.kind = Collected::Kind::unreadable;
        out.bytes = std::move(everything);
        out.reason = good.size() > 1 ? fmt::format("{} transfers of this plate differ from one another.", good.size()) : last.message;
    }
    out.sha256 = hex(sha256(out.bytes));
    co_return out;
}

// The only place that makes the reader forget. What it holds now must still be what was committed: somebody may have read another plate
// since.
Task<Result<void>> SpectraMax::clear_if_equal(std::string committed_sha256) {
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        Exchange const got = co_await exchange("!TRANSFER", true);
        if (!got.reply && line_is_gone(got.reply.error())) co_return fail(got.reply.error());
        if (!got.reply) continue;
        if (!got.reply->ok() && got.reply->failure == no_data) co_return Result<void>{};
        if (!got.reply->ok()) {
            look_ = true;
            co_return Result<void>{};
        }
        if (hex(sha256(got.raw)) != committed_sha256) {
            // Damage looks the same as another plate. Either way look() decides; what equals the committed bytes is cleared there.
            look_ = true;
            continue;
        }
        auto const cleared = co_await ask("!CLEAR DATA");
        if (!cleared) co_return fail(cleared.error());
        if (!cleared->ok())
            co_return fail(Fault::unavailable,
                           fmt::format("The reader answered !CLEAR DATA with FAIL {}: {}.", cleared->failure, words_of(cleared->failure)));
        look_ = false;
        co_return Result<void>{};
    }
    look_ = true;
    co_return Result<void>{};
}

Task<Result<void>> SpectraMax::acknowledge(Receipt receipt) {
    if (receipt.number != pending_.number)
        co_return fail(Fault::broken, fmt::format("Receipt {} was acknowledged, expected {}.", receipt.number, pending_.number));
    std::string const committed = std::exchange(pending_, Pending{}).sha256;
    if (committed.empty()) co_return Result<void>{};
    options_.stored_sha256 = committed;
    auto const cleared = co_await clear_if_equal(committed);
    co_return cleared;
}

// What an idle reader holds, as a batch; nothing when it holds nothing new.
Task<Result<std::optional<Batch>>> SpectraMax::look() {
    auto const collected = co_await collect();
    if (!collected) co_return fail(collected.error());
    if (collected->kind == Collected::Kind::unreadable && unreadable_) {
        look_ = false;
        look_again_ = clock_.now() + unreadable_retry;
        co_return std::optional<Batch>{};
    }
    if (collected->kind == Collected::Kind::nothing) {
        unreadable_.reset();
        if (!options_.open_run) {
            look_ = false;
            measuring_since_.reset();
        } else if (++empty_looks_ >= empty_looks_max) {
            co_return std::optional<Batch>{aborted_batch()};
        }
        co_return std::optional<Batch>{};
    }
    if (collected->kind == Collected::Kind::plate && collected->sha256 == options_.stored_sha256) {
        log::info("spectramax.data.cleared",
                  {{"instrument", options_.instrument}, {"reason", "committed earlier, before a restart or a lost reply"}});
        auto const cleared = co_await clear_if_equal(collected->sha256);
        if (!cleared) co_return fail(cleared.error());
        co_return std::optional<Batch>{};
    }
    look_ = false;
    Batch batch = collected->kind == Collected::Kind::plate ? plate_batch(*collected) : unreadable_batch(*collected);
    options_.open_run.reset();
    empty_looks_ = 0;
    measuring_since_.reset();
    started_.clear();
    co_return std::optional<Batch>{std::move(batch)};
}

Task<Result<Batch>> SpectraMax::serve() {
    auto const greeted = co_await greet();
    if (!greeted) co_return fail(greeted.error());
    for (;;) {
        std::function<Task<Result<void>>(StartRequest)> start = [this](StartRequest what) { return begin(std::move(what)); };
        co_await desk_.take_up(std::move(start));
        auto const status = co_await ask_status();
        if (!status) co_return fail(status.error());
        if (!status->idle()) {
            if (!measuring_since_) measuring_since_ = clock_.now();
            if (started_.empty()) started_ = rfc3339(clock_.utc());
            look_ = true;
            unreadable_.reset();
            empty_looks_ = 0;
        } else if (look_ || (unreadable_ && clock_.now() >= look_again_)) {
            auto batch = co_await look();
            if (!batch) co_return fail(batch.error());
            if (*batch) co_return std::move(**batch);
        }
        co_await pause();
    }
}

Task<Result<Batch>> SpectraMax::next() {
    auto batch = co_await serve();
    if (!batch) desk_.refuse(batch.error());
    co_return batch;
}

bool SpectraMax::line_is_gone(Error const& error) { return error.fault != Fault::refused && error.fault != Fault::timed_out; }

Task<void> SpectraMax::pause() {
    using namespace boost::asio::experimental::awaitable_operators;
    if (desk_.waiting()) co_return;
    auto sleep = clock_.sleep_until(clock_.now() + options_.poll_period);
    auto asked = desk_.asked().beyond(desk_.asked().count());
    co_await (std::move(sleep) || std::move(asked));
}

std::optional<Error> SpectraMax::trouble() const {
    if (!unreadable_) return std::nullopt;
    return Error{
        Fault::refused,
        "The reader holds a plate that could not be read over this line. It was not cleared and is asked for again every minute: check "
        "the cable and the port's settings, and do not clear the reader."};
}

bool SpectraMax::silent() const { return clock_.now() - last_heard_ > options_.poll_period + options_.command_timeout; }

bool SpectraMax::ticking() const { return silent() || (measuring_since_ && !status_.idle()); }

std::string SpectraMax::activity() const {
    Clock::Instant const now = clock_.now();
    if (silent()) return fmt::format("no answer for {} s", seconds_between(last_heard_, now));
    if (unreadable_) return "holds a plate that could not be read; nothing was cleared";
    if (measuring_since_ && !status_.idle()) return fmt::format("reading, {} s", seconds_between(*measuring_since_, now));
    if (look_ && status_.idle()) return "collecting the plate";
    if (status_.state.empty()) return {};
    return status_.idle() ? "idle" : status_.state;
}

}  // namespace marrowlink::spectramax
