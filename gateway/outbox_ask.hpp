// Outbox::ask, which is a template and so stands in a header; included by gateway/outbox.hpp alone.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace marrowlink {

template <class T>
Task<Result<T>> Outbox::ask(std::function<Result<T>(OutboxStore&)> call) {
    namespace asio = boost::asio;
    return asio::async_initiate<asio::use_awaitable_t<> const, void(Result<T>)>(
        [this, call = std::move(call)](auto handler) mutable {
            auto kept = std::make_shared<decltype(handler)>(std::move(handler));
            if (!store_) {
                auto result = std::make_shared<Result<T>>(
                    fail(Fault::unavailable, "The outbox is being set aside; ask again when its successor is open."));
                return asio::post(loop_, [result, kept]() mutable { std::move (*kept)(std::move(*result)); });
            }
            asio::post(store_executor_, [this, alive = alive_, generation = generation_, store = store_, loop = loop_,
                                         call = std::move(call), kept]() mutable {
                auto result = std::make_shared<Result<T>>(call(*store));
                asio::post(loop, [this, alive, generation, position = store->position(), result, kept]() mutable {
                    if (*alive) seen(generation, position, *result ? nullptr : &result->error());
                    std::move (*kept)(std::move(*result));
                });
            });
        },
        asio::use_awaitable);
}

}  // namespace marrowlink
