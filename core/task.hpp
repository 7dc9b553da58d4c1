// The only asynchronous return type. GCC 12.2 destroys some temporaries twice in a full expression with co_await: name it, then await it.
#pragma once

#include <boost/asio/awaitable.hpp>

namespace marrowlink {

template <class T>
using Task = boost::asio::awaitable<T>;

}  // namespace marrowlink
