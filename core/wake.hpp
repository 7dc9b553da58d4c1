// A coroutine waits here until somebody announces that what it looks at has changed. Whoever waits says which announcement it knew of when
// it looked, so that none falls between the look and the wait. Everything happens on one loop; several may wait at once.
//   auto const seen = changed_.count();
//   if (nothing_to_do()) co_await changed_.beyond(seen);
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <list>
#include <memory>
#include <utility>

#include "core/task.hpp"

namespace marrowlink {

class Wake {
 public:
    Wake() = default;
    Wake(Wake const&) = delete;
    Wake& operator=(Wake const&) = delete;

    std::uint64_t count() const { return count_; }  // announcements so far

    // Returns once there were more than `seen`, in a later turn of the waiter's own loop. Returns on cancellation too: whoever waits looks
    // again, and the next thing that it awaits throws. Two alternatives that both threw would make one exception of a kind that nobody
    // expects.
    Task<void> beyond(std::uint64_t seen) {
        return boost::asio::async_initiate<boost::asio::use_awaitable_t<> const, void()>(
            [this, seen](auto handler) {
                auto waiter = std::make_shared<WaiterOf<decltype(handler)>>(std::move(handler));
                waiter->enlist();
                if (count_ != seen) return waiter->finish();
                waiting_.remove_if([](std::weak_ptr<Waiter> const& gone) { return gone.expired(); });
                waiting_.push_back(waiter);
            },
            boost::asio::use_awaitable);
    }

    void announce() {
        ++count_;
        for (std::weak_ptr<Waiter> const& one : std::exchange(waiting_, {}))
            if (auto const waiter = one.lock()) waiter->finish();
    }

 private:
    class Waiter;
    // Owns what waits on one execution context, so that it ends with it.
    class Waiters final : public boost::asio::execution_context::service {
     public:
        using key_type = Waiters;
        static inline boost::asio::execution_context::id id;
        explicit Waiters(boost::asio::execution_context& context) : boost::asio::execution_context::service(context) {}
        std::list<std::shared_ptr<Waiter>> all;

     private:
        void shutdown() override {
            while (!all.empty()) all.pop_front();
        }
    };
    class Waiter : public std::enable_shared_from_this<Waiter> {
     public:
        virtual ~Waiter() = default;
        virtual void finish() = 0;
    };
    template <class Handler>
    class WaiterOf final : public Waiter {
     public:
        explicit WaiterOf(Handler handler) : handler_(std::move(handler)), work_(boost::asio::get_associated_executor(handler_)) {}

        void enlist() {
            auto& context = boost::asio::query(work_.get_executor(), boost::asio::execution::context);
            waiters_ = &boost::asio::use_service<Waiters>(context);
            place_ = waiters_->all.insert(waiters_->all.end(), this->shared_from_this());
            auto slot = boost::asio::get_associated_cancellation_slot(handler_);
            if (!slot.is_connected()) return;
            slot.assign([weak = this->weak_from_this()](boost::asio::cancellation_type) {
                if (auto const waiter = weak.lock()) waiter->finish();
            });
        }
        void finish() override {
            if (!waiters_) return;
            auto const self = this->shared_from_this();
            std::exchange(waiters_, nullptr)->all.erase(place_);
            auto const executor = work_.get_executor();
            boost::asio::post(executor, [handler = std::move(handler_)]() mutable { std::move(handler)(); });
            work_.reset();
        }

     private:
        Handler handler_;
        boost::asio::executor_work_guard<boost::asio::associated_executor_t<Handler>> work_;
        Waiters* waiters_ = nullptr;
        std::list<std::shared_ptr<Waiter>>::iterator place_;
    };

    std::uint64_t count_ = 0;
    std::list<std::weak_ptr<Waiter>> waiting_;
};

}  // namespace marrowlink
