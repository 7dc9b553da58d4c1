#include "gateway/salvage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "core/json.hpp"
#include "core/log.hpp"

namespace marrowlink {
namespace {
namespace asio = boost::asio;
constexpr std::size_t rows_at_a_time = 256;  // between two of them the instruments' appends have their turn
constexpr std::chrono::seconds look_period{1};
constexpr std::chrono::minutes reopen_period{1};

using Read = Result<std::vector<Record>>;
using Chain = Result<std::optional<Digest>>;
struct Walked {
    std::shared_ptr<SalvageScan> scan;
    bool done = false;
};
}  // namespace

std::vector<Draft> closing_records(SalvageScan const& scan, std::string const& reason) {
    std::vector<Draft> out;
    std::vector<SeqRange> const& lost = scan.lost();
    for (std::size_t at = 0; at == 0 || at < lost.size(); at += lost_ranges_max) {
        json::array ranges;
        for (std::size_t i = at; i < std::min(lost.size(), at + lost_ranges_max); ++i) {
            json::object range{{"first", lost[i].first}, {"last", lost[i].last}};
            if (lost[i].chain) range["chain"] = hex(*lost[i].chain);
            ranges.push_back(std::move(range));
        }
        json::object data{{"stream", scan.stream()}, {"lost", std::move(ranges)}, {"reason", reason}};
        if (scan.readable()) data["last"] = scan.known();
        Draft& draft = out.emplace_back();
        draft.type = type::stream_closed;
        draft.instrument = "gateway";
        draft.data = json::serialize(data);
        // The same loss is named once, another one again.
        draft.part = fmt::format("{} {}", scan.stream(), hex(sha256(draft.data)));
    }
    return out;
}

Salvage::Salvage(std::filesystem::path file, SalvageState known, std::string reason, bool again)
    : file_(std::move(file)), state_(std::move(known)), reason_(std::move(reason)), again_through_(again ? state_.last : 0) {
    state_.last = 0;  // until the file has been walked
}

Salvage::~Salvage() { *alive_ = false; }

void Salvage::begin(Outbox& live, Forwarder& forwarder, Clock& clock, asio::any_io_executor loop) {
    live_ = &live;
    forwarder_ = &forwarder;
    clock_ = &clock;
    asio::co_spawn(loop, run(), asio::detached);
}

// Each step answers false when this object has ended meanwhile.
Task<void> Salvage::run() {
    for (;;) {
        bool const walked = co_await walk();
        if (!walked) co_return;
        bool const named = co_await name_lost();
        if (!named) co_return;
        bool const sent = co_await send();
        if (!sent) co_return;
        if (!failed_) break;
    }
    finished_ = true;
    log::info("salvage.finished", {{"stream", state_.stream}, {"through", state_.last}, {"file", file_.string()}});
}

Task<bool> Salvage::walk() {
    auto const alive = alive_;
    scan_.reset();
    failed_ = false;
    for (;;) {
        std::function<Result<Walked>(OutboxStore&)> step = [file = file_, scan = scan_](OutboxStore&) mutable -> Result<Walked> {
            // An answer of `broken` would be taken for the live outbox's.
            if (!scan) {
                auto opened = SalvageScan::open(file);
                if (!opened) return fail(Fault::unavailable, opened.error().message);
                scan = std::move(*opened);
            }
            auto const done = scan->step(rows_at_a_time);
            if (!done) return fail(Fault::unavailable, done.error().message);
            return Walked{scan, *done};
        };
        auto walked = co_await live_->ask(std::move(step));
        if (!*alive) co_return false;
        if (!walked) {
            log::warn("salvage.waiting", {{"stream", state_.stream}, {"reason", walked.error().message}});
            scan_.reset();
            co_await clock_->sleep_for(reopen_period);
            if (!*alive) co_return false;
            continue;
        }
        scan_ = walked->scan;
        if (walked->done) break;
    }
    // The walk is over and nothing has been asked since, so the scan may be read here.
    first_ = scan_->first();
    if (again_through_ == 0) state_.acknowledged = std::max(state_.acknowledged, scan_->acknowledged());
    // What a forked stream holds behind its end is in another stream, and its end was named there.
    bool const forked = again_through_ != 0 && again_through_ < scan_->last();
    state_.last = forked ? again_through_ : scan_->last();
    if (!forked) closing_ = closing_records(*scan_, reason_);
    std::uint64_t lost = 0;
    for (SeqRange const& range : scan_->lost())
        lost += std::min(range.last, scan_->known()) + 1 - std::min(range.first, scan_->known() + 1);
    log::warn("salvage.read", {{"stream", state_.stream},
                               {"first", first_},
                               {"last", state_.last},
                               {"acknowledged", state_.acknowledged},
                               {"lost", lost},
                               {"file", file_.string()}});
    co_return true;
}

Task<bool> Salvage::name_lost() {
    auto const alive = alive_;
    if (closing_.empty()) co_return true;
    for (;;) {
        Append append;
        append.drafts = closing_;
        auto const kept = co_await live_->append(std::move(append));
        if (!*alive) co_return false;
        if (!kept) {
            log::error("salvage.not_named", {{"stream", state_.stream}, {"reason", kept.error().message}});
            co_return true;
        }
        std::string const through = live_->stream();
        while (live_->stream() == through && live_->acknowledged() < *kept) {
            co_await clock_->sleep_for(look_period);
            if (!*alive) co_return false;
        }
        // The live outbox may have been replaced before central heard of it.
        if (live_->stream() == through) co_return true;
    }
}

Task<bool> Salvage::send() {
    auto const alive = alive_;
    if (state_.acknowledged < state_.last) forwarder_->add(*this, false);
    std::uint64_t kept = state_.acknowledged;
    while (!failed_ && state_.acknowledged < state_.last) {
        co_await clock_->sleep_for(look_period);
        if (!*alive) co_return false;
        if (kept == state_.acknowledged) continue;
        kept = state_.acknowledged;
        co_await keep();
        if (!*alive) co_return false;
    }
    forwarder_->remove(*this);
    if (failed_) co_return *alive;
    forwarder_->remember(state_.stream, state_.last);
    co_await keep();
    co_return *alive;
}

Task<void> Salvage::keep() {
    std::function<Result<bool>(OutboxStore&)> keep = [state = state_](OutboxStore& store) -> Result<bool> {
        if (auto kept = store.keep(state); !kept) return fail(kept.error());
        return true;
    };
    auto const kept = co_await live_->ask(std::move(keep));
    // Not worth more than a word: what is not remembered is walked and sent again, and counted once.
    if (!kept) log::warn("salvage.not_remembered", {{"reason", kept.error().message}});
}

Task<Result<std::vector<Record>>> Salvage::peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) {
    auto const alive = alive_;
    std::function<Result<Read>(OutboxStore&)> read = [=, scan = scan_](OutboxStore&) -> Result<Read> {
        return scan->peek(from, records_max, bytes_max);
    };
    auto records = co_await live_->ask(std::move(read));
    if (!records) co_return fail(records.error());
    if (!*records && *alive) failed_ = true;
    if (*records && *alive) std::erase_if(**records, [&](Record const& record) { return record.seq > state_.last; });
    co_return std::move(*records);
}

Task<Result<std::optional<Digest>>> Salvage::chain_at(std::uint64_t seq) {
    std::function<Result<Chain>(OutboxStore&)> read = [=, scan = scan_](OutboxStore&) -> Result<Chain> { return scan->chain_at(seq); };
    auto chain = co_await live_->ask(std::move(read));
    if (!chain) co_return fail(chain.error());
    co_return std::move(*chain);
}

void Salvage::confirm(std::uint64_t seq) { state_.acknowledged = std::max(state_.acknowledged, seq); }

}  // namespace marrowlink
