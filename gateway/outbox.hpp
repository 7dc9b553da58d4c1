// The durable queue of records: the loop's door to the store thread. `append` is durable when it returns and idempotent on the source's own
// key; appends that wait while a commit runs share the next one.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "gateway/outbox_store.hpp"
#include "gateway/record_source.hpp"

namespace marrowlink {

inline constexpr std::size_t commit_drafts_max = 512;      // one transaction takes at most this many records…
inline constexpr int wal_pages_max = 1'000;                // more than these 4 MiB in the WAL are folded into the file, between commits
inline constexpr std::size_t commit_bytes_max = 8u << 20;  // …or this many bytes, whichever comes first; the rest waits for the next one

// Called on the loop.
class OutboxListener {
 public:
    virtual ~OutboxListener() = default;
    virtual void on_position(OutboxPosition const& position) = 0;  // after every change
    virtual void on_trouble(
        Error const& error) = 0;  // a commit was refused (disk, budget, lock) and is tried again until it succeeds; said once
    virtual void on_trouble_over() = 0;
    // The file is damaged and no commit is running. Appends wait. The owner awaits `retire`, sets the file aside and calls `replace`.
    virtual void on_damaged(Error const& error) = 0;
};

class Outbox final : public RecordSource {
 public:
    Outbox(std::unique_ptr<OutboxStore> store, Clock& clock, std::string boot_id, boost::asio::any_io_executor loop,
           boost::asio::any_io_executor store_executor);
    ~Outbox() override;
    Outbox(Outbox const&) = delete;
    Outbox& operator=(Outbox const&) = delete;

    void listen(OutboxListener* listener);

    // Returns once everything in it is durable, however long the disk, a lock or the budget makes it wait; an error only for what can never
    // be stored (`refused`). The last seq of the stream at that moment.
    Task<Result<std::uint64_t>> append(Append append);

    std::string const& stream() const override { return origin_.stream; }
    std::uint64_t appended() const override { return position_.appended; }
    std::uint64_t acknowledged() const override { return to_confirm_; }
    std::uint64_t first_kept() const override { return position_.first_kept; }
    Task<Result<std::vector<Record>>> peek(std::uint64_t from, std::size_t records_max, std::size_t bytes_max) override;
    Task<Result<std::optional<Digest>>> chain_at(std::uint64_t seq) override;

    // Central has everything through `seq`. Rides along with the next commit, or goes by itself without an fsync.
    void confirm(std::uint64_t seq) override;

    // Runs `call` on the store thread between commits and brings its result back.
    template <class T>
    Task<Result<T>> ask(std::function<Result<T>(OutboxStore&)> call);

    OutboxPosition const& position() const { return position_; }
    Origin const& origin() const { return origin_; }

    // Closes the file; when it returns, nothing of ours touches it any more. Until `replace`, appends wait and `ask` answers `unavailable`.
    Task<void> retire();
    // Puts another store (a new stream) in place of a retired one; waiting appends go there.
    void replace(std::unique_ptr<OutboxStore> store);

 private:
    struct Waiting {
        Append append;
        std::function<void(Result<std::uint64_t>)> done;
    };
    struct Commit;

    Stamp stamp() const;
    std::int64_t now_ms() const;
    void kick();
    void commit();
    void committed(std::shared_ptr<Commit> commit, Result<void> result, OutboxPosition position);
    void retry_later(Error const& error);
    void finish(Commit& commit, Result<void> const& result);
    void put_back(Commit& commit);
    void seen(std::uint64_t generation, OutboxPosition const& position, Error const* error);
    void damaged(Error const& error);
    void report();

    std::shared_ptr<OutboxStore> store_;  // touched on the store thread only, but for `replace`
    Clock& clock_;
    std::string boot_id_;
    boost::asio::any_io_executor loop_;
    boost::asio::any_io_executor store_executor_;

    // The loop's.
    OutboxListener* listener_ = nullptr;
    Origin origin_;
    OutboxPosition position_;
    std::deque<Waiting> waiting_;
    std::uint64_t to_confirm_ = 0;
    std::size_t alone_ = 0;  // this many waiting appends get a transaction of their own
    bool committing_ = false;
    bool troubled_ = false;         // waiting to try again
    std::optional<Fault> trouble_;  // told to the listener
    bool damaged_ = false;
    std::optional<Error> damage_;   // found while a commit ran; told when it has ended
    std::uint64_t generation_ = 0;  // of the store: a late answer of the one before is not taken for the new one's
    bool kicked_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions find out that their outbox is gone
};

}  // namespace marrowlink

#include "gateway/outbox_ask.hpp"
