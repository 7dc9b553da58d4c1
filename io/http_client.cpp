#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "io/http.hpp"

namespace marrowlink {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using Endpoint = asio::generic::stream_protocol::endpoint;

Task<Result<HttpAnswer>> exchange(Endpoint to, std::string where, std::string request) {
    auto const executor = co_await asio::this_coro::executor;
    asio::generic::stream_protocol::socket socket(executor);
    error_code error;
    co_await socket.async_connect(to, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        co_return fail(Fault::unavailable,
                       "Nothing answers at " + where + " (" + error.message() + "); is the program running, and with this configuration?");
    co_await asio::async_write(socket, asio::buffer(request), asio::redirect_error(asio::use_awaitable, error));
    // A server that refuses early may close before it has read all; its answer still says why.
    beast::flat_buffer buffer;
    beast::http::response_parser<beast::http::string_body> parser;
    parser.body_limit(http_answer_bytes_max);
    co_await beast::http::async_read(socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error)
        co_return fail(Fault::closed,
                       "The program at " + where + " ended the connection without a whole answer (" + error.message() + ").");
    HttpAnswer answer;
    answer.status = parser.get().result_int();
    answer.content_type = parser.get()[beast::http::field::content_type];
    answer.body = std::move(parser.get().body());
    co_return answer;
}

Task<Result<HttpAnswer>> in_time(Endpoint to, std::string where, std::string request, Clock& clock, std::chrono::milliseconds timeout) {
    using namespace asio::experimental::awaitable_operators;
    auto exchanged = exchange(std::move(to), where, std::move(request));
    auto late = clock.sleep_for(timeout);
    auto first = co_await (std::move(exchanged) || std::move(late));
    if (first.index() == 1) {
        std::string message = "The program at " + where + " did not answer within " + std::to_string(timeout.count()) + " ms.";
        co_return fail(Fault::timed_out, std::move(message));
    }
    co_return std::get<0>(std::move(first));
}

std::string request_text(std::string const& method, std::string const& target, std::string const& host, std::string const& body) {
    std::string text = method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n";
    if (method != "GET" && method != "HEAD")
        text += "Origin: http://" + host + "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + body;
}

}  // namespace

Task<Result<HttpAnswer>> http_request(std::filesystem::path to, Clock& clock, std::string method, std::string target, std::string body,
                                      std::chrono::milliseconds timeout) {
    std::string const path = to.string();
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        co_return fail(Fault::usage, "The socket path " + path + " is longer than the system allows.");
    Endpoint endpoint(asio::local::stream_protocol::endpoint{path});
    std::string text = request_text(method, target, "localhost", body);
    co_return co_await in_time(std::move(endpoint), path, std::move(text), clock, timeout);
}

Task<Result<HttpAnswer>> http_request(settings::HostPort to, Clock& clock, std::string method, std::string target, std::string body,
                                      std::chrono::milliseconds timeout) {
    error_code no_address;
    auto const address = asio::ip::make_address(to.host == "localhost" ? "127.0.0.1" : to.host, no_address);
    std::string const host = (address.is_v6() && !no_address ? "[" + to.host + "]" : to.host) + ":" + std::to_string(to.port);
    if (no_address)
        co_return fail(Fault::usage, "The host \"" + to.host + "\" is no IP address; write the address itself, as in 127.0.0.1:8080.");
    Endpoint endpoint(asio::ip::tcp::endpoint{address, to.port});
    std::string text = request_text(method, target, host, body);
    co_return co_await in_time(std::move(endpoint), host, std::move(text), clock, timeout);
}

}  // namespace marrowlink
