// Awaits a task on a loop of the real world, from a test that is none.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>

#include "core/task.hpp"

namespace marrowlink {

// Fails when nothing happens on the loop for so long.
template <class T>
T run_on(boost::asio::io_context& loop, Task<T> task, std::chrono::seconds patience) {
    std::optional<T> value;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr e, T v) {
        if (!e) value.emplace(std::move(v));
    });
    loop.restart();
    while (!value && loop.run_one_for(patience) > 0) {
    }
    REQUIRE(value);
    return std::move(*value);
}

}  // namespace marrowlink
