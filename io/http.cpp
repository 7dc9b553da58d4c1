#include "io/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <list>

#include "core/json.hpp"
#include "core/log.hpp"
#include "io/http_text.hpp"

namespace marrowlink {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using unix_stream = asio::local::stream_protocol;
using Socket = asio::generic::stream_protocol::socket;
using Parser = beast::http::request_parser<beast::http::string_body>;

constexpr std::size_t piece_bytes = 64u << 10;  // a response is written in such pieces, each with a response_time of its own

HttpResponse error_response(unsigned status, std::string_view sentence) {
    json::object body;
    body["error"] = sentence;
    HttpResponse response;
    response.status = status;
    response.body = json::serialize(body);
    return response;
}

// What a request that could not be read is answered; 0: nothing, the client is gone.
unsigned status_of(error_code failure) {
    using beast::http::error;
    if (failure == error::header_limit || failure == error::buffer_overflow) return 431;
    if (failure == error::body_limit) return 413;
    if (failure == error::end_of_stream || failure == error::partial_message) return 0;
    return failure.category() == make_error_code(error::bad_method).category() ? 400 : 0;
}

std::string_view sentence_for(unsigned status) {
    if (status == 431) return "The request's header is longer than this server takes.";
    if (status == 413) return "The request's body is longer than this server takes.";
    return "This is no HTTP/1.1 request.";
}

}  // namespace

struct HttpServer::Shared : std::enable_shared_from_this<HttpServer::Shared> {
    struct Connection {
        Socket socket;
        bool local;
        bool idle = true;
        Clock::Instant idle_since;
        Clock::Instant deadline;
        void close() {
            error_code ignored;
            socket.close(ignored);
        }
    };

    Shared(asio::any_io_executor executor, Clock& time, HttpOptions chosen, HttpHandler answer)
        : loop(std::move(executor)), clock(time), options(std::move(chosen)), handler(std::move(answer)) {}

    Result<void> listen_tcp();
    Result<void> listen_unix();
    template <class Acceptor>
    Task<void> accept(std::shared_ptr<Shared> keeps_alive, Acceptor& acceptor, bool local);
    void admit(Socket socket, bool local);
    void serve_detached(std::shared_ptr<Connection> connection);
    Task<void> serve(std::shared_ptr<Connection> connection);
    Task<bool> serve_one(Connection& connection, beast::flat_buffer& buffer);
    Task<HttpResponse> answer(Connection const& connection, Parser& parser);
    std::optional<HttpResponse> refusal(bool local, Parser const& parser) const;
    Task<bool> respond(Connection& connection, HttpResponse response, bool keep_alive, bool head);
    Task<bool> stream_out(Connection& connection, HttpStream& stream);
    Task<bool> write(Connection& connection, std::string_view bytes);
    Task<void> hang_up(Connection& connection);
    Task<void> sweep(std::shared_ptr<Shared> keeps_alive);
    void stop();

    asio::any_io_executor loop;
    Clock& clock;
    HttpOptions options;
    HttpHandler handler;
    std::optional<tcp::acceptor> tcp_acceptor;
    std::optional<unix_stream::acceptor> unix_acceptor;
    std::list<std::shared_ptr<Connection>> connections;
    std::size_t streams = 0;
    tcp::endpoint bound;
    bool sweeping = false;
    bool stopped = false;
};

Result<void> HttpServer::Shared::listen_tcp() {
    auto const& wanted = *options.tcp;
    std::string const name = wanted.host + ":" + std::to_string(wanted.port);
    error_code error;
    auto const address = asio::ip::make_address(wanted.host == "localhost" ? "127.0.0.1" : wanted.host, error);
    if (error)
        return fail(Fault::configuration,
                    "The page cannot listen on \"" + name + "\": \"" + wanted.host + "\" is no IP address of this machine.");
    tcp::acceptor acceptor(loop);
    tcp::endpoint const endpoint(address, wanted.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) bound = acceptor.local_endpoint(error);
    if (error)
        return fail(Fault::unavailable, "The page cannot listen on " + name + " (" + error.message() +
                                            "); choose a free port of this machine, or port 0 for any free one.");
    tcp_acceptor.emplace(std::move(acceptor));
    return {};
}

Result<void> HttpServer::Shared::listen_unix() {
    std::string const path = options.socket.string();
    if (path.size() >= sizeof(sockaddr_un::sun_path))
        return fail(Fault::configuration, "The socket path " + path + " is longer than the system allows; choose a shorter one.");
    unix_stream::endpoint const endpoint(path);
    std::error_code ignored;
    error_code error;
    if (std::filesystem::is_socket(options.socket, ignored)) {
        unix_stream::socket probe(loop);
        probe.connect(endpoint, error);
        if (!error) return fail(Fault::unavailable, "Another program already answers on " + path + "; is this gateway running twice?");
        std::filesystem::remove(options.socket, ignored);
        error.clear();
    }
    unix_stream::acceptor acceptor(loop);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.bind(endpoint, error);
    std::error_code mode_error;
    if (!error) std::filesystem::permissions(options.socket, static_cast<std::filesystem::perms>(0660), mode_error);
    if (!error && !mode_error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error || mode_error)
        return fail(Fault::unavailable, "The socket " + path + " cannot be made (" + (error ? error.message() : mode_error.message()) +
                                            "); its folder must exist and this user must be able to write there.");
    unix_acceptor.emplace(std::move(acceptor));
    return {};
}

template <class Acceptor>
Task<void> HttpServer::Shared::accept(std::shared_ptr<Shared> /*keeps_alive*/, Acceptor& acceptor, bool local) {
    while (!stopped) {
        error_code error;
        auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (stopped) co_return;
        if (error) {  // out of descriptors, most likely: waiting is all that helps
            log::warn("http.accept_failed", {{"reason", error.message()}});
            co_await clock.sleep_for(http_deadline_step);
            continue;
        }
        if constexpr (std::is_same_v<Acceptor, tcp::acceptor>) socket.set_option(tcp::no_delay(true), error);
        admit(Socket(std::move(socket)), local);
    }
}

void HttpServer::Shared::admit(Socket socket, bool local) {
    auto const now = clock.now();
    auto connection = std::make_shared<Connection>(Connection{std::move(socket), local, true, now, now + options.limits.idle_time});
    auto const same = [&](auto const& other) { return other->local == local; };
    if (static_cast<std::size_t>(std::count_if(connections.begin(), connections.end(), same)) >= options.limits.connections) {
        std::shared_ptr<Connection> longest;
        for (auto const& other : connections)
            if (same(other) && other->idle && (!longest || other->idle_since < longest->idle_since)) longest = other;
        if (!longest) {
            // Best effort, without waiting: whoever floods us does not get a coroutine each.
            std::string const text = http_text::header_text(error_response(503, ""), false);
            error_code ignored;
            connection->socket.non_blocking(true, ignored);
            connection->socket.write_some(asio::buffer(text), ignored);
            return;
        }
        longest->close();
        connections.remove(longest);
    }
    connections.push_back(connection);
    serve_detached(std::move(connection));
    if (!sweeping) {
        sweeping = true;
        asio::co_spawn(loop, sweep(shared_from_this()), asio::detached);
    }
}

void HttpServer::Shared::serve_detached(std::shared_ptr<Connection> connection) {
    auto const ended = [self = shared_from_this(), connection](std::exception_ptr thrown) {
        connection->close();
        self->connections.remove(connection);
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (boost::system::system_error const&) {  // cancelled
        }
    };
    asio::co_spawn(loop, serve(std::move(connection)), ended);
}

Task<void> HttpServer::Shared::serve(std::shared_ptr<Connection> connection) {
    beast::flat_buffer buffer(options.limits.header_bytes + piece_bytes);
    while (!stopped && connection->socket.is_open()) {
        bool const again = co_await serve_one(*connection, buffer);
        if (!again) break;
    }
}

// False: this was the connection's last request.
Task<bool> HttpServer::Shared::serve_one(Connection& connection, beast::flat_buffer& buffer) {
    error_code error;
    if (buffer.size() == 0) {
        connection.idle = true;
        connection.idle_since = clock.now();
        connection.deadline = connection.idle_since + options.limits.idle_time;
        co_await connection.socket.async_wait(Socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
        connection.idle = false;
        if (error) co_return false;
    }
    connection.deadline = clock.now() + options.limits.request_time;
    Parser parser;
    parser.header_limit(options.limits.header_bytes);
    parser.body_limit(options.limits.body_bytes);
    std::size_t const header_bytes =
        co_await beast::http::async_read_header(connection.socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    // Beast holds to its limit only while it waits for more of the header.
    if (!error && header_bytes > options.limits.header_bytes) error = beast::http::error::header_limit;
    if (!error && !parser.is_done())
        co_await beast::http::async_read(connection.socket, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
    if (error) {
        unsigned const status = status_of(error);
        if (status == 0) co_return false;
        HttpResponse response = error_response(status, sentence_for(status));
        bool const written = co_await respond(connection, std::move(response), false, false);
        if (written) co_await hang_up(connection);
        co_return false;
    }
    bool const keep_alive = parser.get().keep_alive();
    bool const head = parser.get().method() == beast::http::verb::head;
    connection.deadline = Clock::Instant::max();
    HttpResponse response = co_await answer(connection, parser);
    bool const written = co_await respond(connection, std::move(response), keep_alive, head);
    co_return written&& keep_alive;
}

std::optional<HttpResponse> HttpServer::Shared::refusal(bool local, Parser const& parser) const {
    if (local) return std::nullopt;
    auto const& request = parser.get();
    auto const header = [&](beast::http::field field) {
        auto const value = request[field];
        return std::string_view{value.data(), value.size()};
    };
    std::string_view const host = header(beast::http::field::host);
    if (!http_text::is_own_host(host, options.host_names))
        return error_response(
            421,
            "This server does not know itself under that name. Open the page under its address, or add the name to the configuration.");
    auto const method = request.method();
    if (method == beast::http::verb::get || method == beast::http::verb::head) return std::nullopt;
    if (!http_text::is_same_origin(header(beast::http::field::origin), host))
        return error_response(403, "Only this gateway's own page may change anything here; the request's Origin is not that page.");
    if (bound.address().is_loopback()) return std::nullopt;
    if (options.token.empty())
        return error_response(403,
                              "This page is read-only from other computers. Use the gateway's own computer, or have a token configured.");
    if (http_text::is_bearer(header(beast::http::field::authorization), options.token)) return std::nullopt;
    HttpResponse response = error_response(401, "To change anything from another computer, the gateway's token is needed.");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
}

Task<HttpResponse> HttpServer::Shared::answer(Connection const& connection, Parser& parser) {
    auto refused = refusal(connection.local, parser);
    if (refused) co_return *std::move(refused);
    auto& message = parser.get();
    auto target = http_text::parse_target({message.target().data(), message.target().size()});
    if (!target) co_return error_response(400, "The request's address cannot be read.");
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    request.content_type = std::string(message[beast::http::field::content_type]);
    request.body = std::move(message.body());
    request.local = connection.local;
    auto response = co_await handler(request);
    if (response.stream && streams >= options.limits.streams)
        co_return error_response(503, "As many pages as this server serves are open already; close one.");
    co_return response;
}

// False: nothing more can be said on this connection.
Task<bool> HttpServer::Shared::respond(Connection& connection, HttpResponse response, bool keep_alive, bool head) {
    std::string const header = http_text::header_text(response, keep_alive && !response.stream);
    bool written = co_await write(connection, header);
    if (!written || head) co_return written;
    if (response.stream) {
        ++streams;
        std::shared_ptr<std::size_t> const count(&streams, [self = shared_from_this()](std::size_t* open) { --*open; });
        written = co_await stream_out(connection, *response.stream);
        co_return false;
    }
    std::string_view rest = response.fixed_body.empty() ? std::string_view{response.body} : response.fixed_body;
    while (written && !rest.empty()) {
        std::string_view const piece = rest.substr(0, piece_bytes);
        rest.remove_prefix(piece.size());
        written = co_await write(connection, piece);
    }
    co_return written;
}

Task<bool> HttpServer::Shared::stream_out(Connection& connection, HttpStream& stream) {
    for (;;) {
        connection.deadline = Clock::Instant::max();
        auto const piece = co_await stream.next();
        if (!piece || stopped || !connection.socket.is_open()) co_return false;
        bool const written = co_await write(connection, *piece);
        if (!written) co_return false;
    }
}

Task<bool> HttpServer::Shared::write(Connection& connection, std::string_view bytes) {
    error_code error;
    connection.deadline = clock.now() + options.limits.response_time;
    co_await asio::async_write(connection.socket, asio::buffer(bytes.data(), bytes.size()),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return !error && !stopped;
}

// Closing at once would reset the connection while the client still sends, and throw away the answer that says why.
Task<void> HttpServer::Shared::hang_up(Connection& connection) {
    error_code error;
    connection.socket.shutdown(Socket::shutdown_send, error);
    connection.deadline = clock.now() + http_deadline_step;
    std::array<char, 1024> unread;
    for (std::size_t total = 0; !error && total < piece_bytes;)
        total += co_await connection.socket.async_read_some(asio::buffer(unread), asio::redirect_error(asio::use_awaitable, error));
}

Task<void> HttpServer::Shared::sweep(std::shared_ptr<Shared> /*keeps_alive*/) {
    while (!stopped && !connections.empty()) {
        co_await clock.sleep_for(http_deadline_step);
        auto const now = clock.now();
        for (auto const& connection : connections)
            if (now >= connection->deadline) connection->close();
    }
    sweeping = false;
}

void HttpServer::Shared::stop() {
    if (stopped) return;
    stopped = true;
    error_code ignored;
    if (tcp_acceptor) tcp_acceptor->close(ignored);
    if (unix_acceptor) {
        unix_acceptor->close(ignored);
        std::error_code missing;
        std::filesystem::remove(options.socket, missing);
    }
    for (auto const& connection : connections) connection->close();
}

HttpServer::HttpServer(asio::any_io_executor loop, Clock& clock, HttpOptions options, HttpHandler handler)
    : shared_(std::make_shared<Shared>(std::move(loop), clock, std::move(options), std::move(handler))) {}

HttpServer::~HttpServer() { shared_->stop(); }

Result<void> HttpServer::start() {
    if (shared_->options.tcp)
        if (auto listening = shared_->listen_tcp(); !listening) return listening;
    if (!shared_->options.socket.empty())
        if (auto listening = shared_->listen_unix(); !listening) {
            shared_->tcp_acceptor.reset();
            return listening;
        }
    if (shared_->tcp_acceptor) asio::co_spawn(shared_->loop, shared_->accept(shared_, *shared_->tcp_acceptor, false), asio::detached);
    if (shared_->unix_acceptor) asio::co_spawn(shared_->loop, shared_->accept(shared_, *shared_->unix_acceptor, true), asio::detached);
    return {};
}

void HttpServer::stop() { shared_->stop(); }
std::uint16_t HttpServer::port() const { return shared_->bound.port(); }
std::size_t HttpServer::connections() const { return shared_->connections.size(); }
std::size_t HttpServer::streams() const { return shared_->streams; }

std::string HttpServer::address() const {
    auto const address = shared_->bound.address();
    return fmt::format("http://{}:{}", address.is_v6() ? "[" + address.to_string() + "]" : address.to_string(), port());
}

}  // namespace marrowlink
