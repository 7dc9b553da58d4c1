#include "gateway/outbox.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>

namespace marrowlink {
namespace {
namespace asio = boost::asio;
constexpr std::chrono::milliseconds retry_period{500};

std::size_t bytes_of(Append const& append) {
    std::size_t bytes = append.journal_bytes.size();
    for (Draft const& draft : append.drafts) bytes += draft.data.size();
    return bytes;
}

bool passes(Fault fault) { return fault == Fault::full || fault == Fault::unavailable; }
}  // namespace

struct Outbox::Commit {
    std::vector<Append> appends;
    std::vector<std::function<void(Result<std::uint64_t>)>> done;
    std::uint64_t confirmed = 0;
};

Outbox::Outbox(std::unique_ptr<OutboxStore> store, Clock& clock, std::string boot_id, asio::any_io_executor loop,
               asio::any_io_executor store_executor)
    : store_(std::move(store)),
      clock_(clock),
      boot_id_(std::move(boot_id)),
      loop_(std::move(loop)),
      store_executor_(std::move(store_executor)),
      origin_(store_->origin()),
      position_(store_->position()) {
    to_confirm_ = position_.acknowledged;
    store_->database().fold_by_hand(wal_pages_max);
}

Outbox::~Outbox() { *alive_ = false; }

void Outbox::listen(OutboxListener* listener) { listener_ = listener; }

Stamp Outbox::stamp() const {
    auto const up = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch());
    return {rfc3339(clock_.utc()), boot_id_, static_cast<std::uint64_t>(up.count()), clock_.synchronised()};
}

std::int64_t Outbox::now_ms() const { return clock_.utc().time_since_epoch().count(); }

Task<Result<std::uint64_t>> Outbox::append(Append append) {
    return asio::async_initiate<asio::use_awaitable_t<> const, void(Result<std::uint64_t>)>(
        [this, append = std::move(append)](auto handler) mutable {
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            waiting_.push_back({std::move(append), [kept](Result<std::uint64_t> result) { std::move (*kept)(std::move(result)); }});
            kick();
        },
        asio::use_awaitable);
}

Task<Result<std::vector<Record>>> Outbox::peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) {
    std::function<Result<std::vector<Record>>(OutboxStore&)> read = [=](OutboxStore& store) -> Result<std::vector<Record>> {
        // What central is sent must still be here after a power cut, or it would know more of this stream than we do.
        if (auto const settled = store.database().settle(); !settled) return fail(settled.error());
        return store.peek_proved(from, records_max, bytes_max);
    };
    return ask(std::move(read));
}

Task<Result<std::optional<Digest>>> Outbox::chain_at(std::uint64_t seq) {
    return ask<std::optional<Digest>>([=](OutboxStore& store) { return store.chain_at(seq); });
}

void Outbox::confirm(std::uint64_t seq) {
    if (seq <= to_confirm_) return;
    to_confirm_ = seq;
    kick();
}

Task<void> Outbox::retire() {
    ++generation_;
    damaged_ = true;
    return asio::async_initiate<asio::use_awaitable_t<> const, void()>(
        [this](auto handler) {
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            // The store thread runs what it was given in order, so this is the last hand on the file.
            asio::post(store_executor_, [store = std::move(store_), loop = loop_, kept]() mutable {
                store.reset();
                asio::post(loop, [kept] { std::move (*kept)(); });
            });
        },
        asio::use_awaitable);
}

void Outbox::replace(std::unique_ptr<OutboxStore> store) {
    ++generation_;
    store_ = std::move(store);
    origin_ = store_->origin();
    position_ = store_->position();
    to_confirm_ = position_.acknowledged;
    store_->database().fold_by_hand(wal_pages_max);
    damaged_ = false;
    alone_ = 0;
    report();
    kick();
}

void Outbox::seen(std::uint64_t generation, OutboxPosition const& position, Error const* error) {
    if (generation != generation_) return;
    if (position.first_kept != position_.first_kept) {
        position_ = position;
        report();
    }
    if (error && error->fault == Fault::broken) damaged(*error);
}

// Deferred by one turn of the loop, so that everything this turn appends shares the commit.
void Outbox::kick() {
    if (committing_ || kicked_ || damaged_ || troubled_) return;
    kicked_ = true;
    asio::post(loop_, [this, alive = alive_] {
        if (!*alive) return;
        kicked_ = false;
        if (!committing_ && !damaged_) commit();
    });
}

void Outbox::commit() {
    if (waiting_.empty() && to_confirm_ <= position_.acknowledged) return;
    auto commit = std::make_shared<Commit>();
    commit->confirmed = to_confirm_;
    std::size_t drafts = 0;
    std::size_t bytes = 0;
    while (!waiting_.empty() && (commit->appends.empty() || (alone_ == 0 && drafts < commit_drafts_max && bytes < commit_bytes_max))) {
        drafts += waiting_.front().append.drafts.size();
        bytes += bytes_of(waiting_.front().append);
        commit->appends.push_back(std::move(waiting_.front().append));
        commit->done.push_back(std::move(waiting_.front().done));
        waiting_.pop_front();
    }
    if (alone_ > 0) --alone_;
    committing_ = true;
    asio::post(store_executor_, [this, alive = alive_, store = store_, loop = loop_, commit, stamp = stamp(), now = now_ms()] {
        Result<void> result =
            commit->appends.empty() ? store->confirm(commit->confirmed) : store->append(commit->appends, stamp, now, commit->confirmed);
        asio::post(loop, [this, alive, commit, result = std::move(result), position = store->position()]() mutable {
            if (*alive) committed(commit, std::move(result), position);
        });
        store->database().fold_when_due();  // after those who waited have been told
    });
}

void Outbox::committed(std::shared_ptr<Commit> commit, Result<void> result, OutboxPosition position) {
    committing_ = false;
    position_ = position;
    if (damage_) {
        // A read has found the file damaged while this commit ran; whether or not it went well, nothing more goes into that file.
        Error const found = *std::exchange(damage_, std::nullopt);
        auto const alive = alive_;
        if (result)
            finish(*commit, result);
        else
            put_back(*commit);
        if (*alive && listener_) listener_->on_damaged(found);
        return;
    }
    if (!result && (passes(result.error().fault) || result.error().fault == Fault::broken)) {
        put_back(*commit);
        if (passes(result.error().fault)) return retry_later(result.error());
        return damaged(result.error());
    }
    if (!result && commit->appends.size() > 1) {
        // One append that can never be stored must not take its neighbours with it: each gets a transaction of its own.
        put_back(*commit);
        alone_ = commit->appends.size();
        return kick();
    }
    if (std::exchange(trouble_, std::nullopt) && listener_) listener_->on_trouble_over();
    report();
    auto const alive = alive_;
    finish(*commit, result);
    if (*alive && (!waiting_.empty() || to_confirm_ > position_.acknowledged)) kick();
}

// Whoever is told runs at once and may end this outbox.
void Outbox::finish(Commit& commit, Result<void> const& result) {
    std::uint64_t const appended = position_.appended;
    for (auto& done : commit.done) {
        if (result)
            done(appended);
        else
            done(fail(result.error()));
    }
}

// Nothing was stored: the appends go back to the front of the queue, in their order.
void Outbox::put_back(Commit& commit) {
    for (std::size_t i = commit.appends.size(); i-- > 0;) {
        waiting_.push_front({std::move(commit.appends[i]), std::move(commit.done[i])});
    }
}

void Outbox::damaged(Error const& error) {
    if (std::exchange(damaged_, true)) return;
    if (committing_)
        damage_ = error;
    else if (listener_)
        listener_->on_damaged(error);
}

void Outbox::retry_later(Error const& error) {
    troubled_ = true;
    // Said once when it begins and once when it ends, not at every attempt.
    bool const said = trouble_ == error.fault;
    trouble_ = error.fault;
    if (listener_ && !said) listener_->on_trouble(error);
    report();
    asio::co_spawn(
        loop_,
        [this, alive = alive_]() -> Task<void> {
            co_await clock_.sleep_for(retry_period);
            if (!*alive) co_return;
            troubled_ = false;
            kick();
        },
        asio::detached);
}

void Outbox::report() {
    if (listener_) listener_->on_position(position_);
}

}  // namespace marrowlink
