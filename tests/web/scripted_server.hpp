// A page's own server for the browser tests: POST /test/<step> says what happens next in the world behind the page, everything else is the
// page's. Serves until its standard input ends, so that it never outlives whoever started it.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <charconv>
#include <cstdio>
#include <functional>
#include <string_view>

#include "io/http.hpp"

namespace marrowlink::test {

// The program's only argument is the port, 0 for any free one; prints the address. `step` says whether it knows the name. Returns the exit
// code.
inline int serve_scripted(int argc, char** argv, boost::asio::io_context& loop, Clock& clock, HttpHandler const& pages,
                          std::function<bool(std::string_view)> const& step) {
    std::string_view const port = argc == 2 ? argv[1] : "";
    HttpOptions options;
    options.tcp = settings::HostPort{"127.0.0.1", 0};
    if (std::from_chars(port.data(), port.data() + port.size(), options.tcp->port).ec != std::errc{}) {
        fmt::print(stderr, "usage: {} PORT\n", argv[0]);
        return 64;
    }
    HttpServer server(loop.get_executor(), clock, options, [&](HttpRequest const& request) -> Task<HttpResponse> {
        constexpr std::string_view prefix = "/test/";
        if (!request.path.starts_with(prefix)) co_return co_await pages(request);
        HttpResponse response;
        response.status = step(std::string_view(request.path).substr(prefix.size())) ? 200 : 404;
        response.body = "{}";
        co_return response;
    });
    if (auto const listening = server.start(); !listening) {
        fmt::print(stderr, "{}\n", listening.error().message);
        return 69;
    }
    boost::asio::posix::stream_descriptor input(loop, ::dup(STDIN_FILENO));
    std::array<char, 1> byte{};
    input.async_read_some(boost::asio::buffer(byte), [&loop](boost::system::error_code, std::size_t) { loop.stop(); });
    fmt::print("{}\n", server.address());
    std::fflush(stdout);
    loop.run();
    return 0;
}

}  // namespace marrowlink::test
